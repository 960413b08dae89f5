"""Anthropic's messages, as strict as the reference and its error messages.

https://platform.claude.com/docs/en/api/messages and .../errors; the SDK's own types for the fields."""

import json
from typing import Any

from anthropic.types import message_create_params

from tests.servers.clouds import anthropic_blocks, schema_checks
from tests.servers.clouds.anthropic_model import Model
from tests.servers.clouds.checks import (
    Refusal,
    bearer,
    body_of,
    echo,
    is_count,
    is_number,
    texts_of,
    tokens_of,
)
from tests.servers.loopback import Exchange

KEY = "anthropic-test-key"

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
FIELDS = frozenset(message_create_params.MessageCreateParamsBase.__annotations__) | {"stream"}
VERSIONS = {"2023-06-01": FIELDS | SAMPLING, "2026-10-21": FIELDS - SAMPLING}


MODELS = {
    "claude-3-haiku-20240307": Model(4096, "both", thinks="", forms=False),
    "claude-3-5-haiku-20241022": Model(8192, "both", thinks="", forms=False),
    "claude-sonnet-4-20250514": Model(64_000, "both", forms=False),
    "claude-haiku-4-5": Model(64_000),
    "claude-haiku-4-5-20251001": Model(64_000),
    "claude-opus-4-6": Model(128_000, "one", prefills=False, thinks="both"),
    "claude-opus-4-8": Model(128_000, "", prefills=False, thinks="adaptive"),
    "claude-sonnet-5": Model(128_000, "", prefills=False, thinks="adaptive", by_default=True),
    "claude-opus-5-5": Model(128_000, "", prefills=False, thinks="always", by_default=True),
    "claude-haiku-5-5": Model(128_000, "", prefills=False, thinks="adaptive", by_default=True),
    "my-deployment": Model(128_000, "", prefills=False, thinks="adaptive"),
}


async def anthropic(exchange: Exchange) -> None:
    """Answer one request."""
    try:
        _authorized(exchange)
        version = exchange.headers.get("anthropic-version")
        if version not in VERSIONS:
            raise _refused("anthropic-version: header is required, and has to be a valid version")
        if (exchange.method, exchange.path.partition("?")[0]) == ("GET", "/v1/models"):
            rows = [_info(name) for name in MODELS]
            page = {"data": rows, "has_more": False, "first_id": None, "last_id": None}
            await exchange.answer_json(200, page)
            return
        if (exchange.method, exchange.path) != ("POST", "/v1/messages"):
            raise Refusal(404, _error("not_found_error", "Not Found"))
        asked = body_of(exchange)
        if asked is None:
            raise _refused("The request body is not valid JSON")
        check(asked, version)
    except Refusal as refusal:
        await exchange.answer_json(refusal.status, refusal.body)
        return
    await _answer(exchange, asked)


def check(asked: dict[str, Any], version: str) -> None:
    """Raises `Refusal` for what the API does not take."""
    for name in asked:
        if name not in VERSIONS[version]:
            raise _refused(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages", "max_tokens"):
        if name not in asked:
            raise _refused(f"{name}: Field required")
    model = MODELS.get(asked["model"])
    if model is None:
        raise Refusal(404, _error("not_found_error", f"model: {asked['model']}"))
    _check_limit(asked, model)
    _check_system(asked.get("system"))
    _check_messages(asked["messages"], model)
    _check_sampling(asked, model)
    try:
        anthropic_blocks.check_tools(asked, model)
        anthropic_blocks.check_thinking(asked, model)
        anthropic_blocks.check_form(asked, model)
    except anthropic_blocks.Wrong as wrong:
        raise _refused(str(wrong)) from None
    for text in asked.get("stop_sequences") or []:
        if not isinstance(text, str) or not text.strip():
            raise _refused("stop_sequences: each stop sequence must contain non-whitespace")
    if tokens_of(asked["messages"]) > model.window:
        raise _refused(f"prompt is too long: {tokens_of(asked['messages'])} tokens > {model.window} maximum")


def _refused(message: str) -> Refusal:
    return Refusal(400, _error("invalid_request_error", message))


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def _authorized(exchange: Exchange) -> None:
    key = exchange.headers.get("x-api-key") or bearer(exchange)
    if key != KEY:
        said = "invalid x-api-key" if key else "x-api-key header is required"
        raise Refusal(401, _error("authentication_error", said))


def _check_limit(asked: dict[str, Any], model: Model) -> None:
    limit = asked["max_tokens"]
    if not is_count(limit) or limit < 1:
        raise _refused("max_tokens: Input should be greater than or equal to 1")
    if limit > model.most:
        text = "which is the maximum allowed number of output tokens for"
        raise _refused(f"max_tokens: {limit} > {model.most}, {text} {asked['model']}")


def _check_system(system: object) -> None:
    if system is None:
        return
    if not isinstance(system, str | list):
        raise _refused("system: Input should be a valid list")
    if any(not text.strip() for text in texts_of(system)) or not list(texts_of(system)):
        raise _refused("system: text content blocks must contain non-whitespace text")


def _check_messages(messages: object, model: Model) -> None:
    if not isinstance(messages, list) or not messages:
        raise _refused("messages: at least one message is required")
    for number, message in enumerate(messages):
        _check_message(number, message)
        if number and messages[number - 1]["role"] == message["role"]:
            text = 'roles must alternate between "user" and "assistant", but found multiple'
            raise _refused(f'messages: {text} "{message["role"]}" roles in a row')
    try:
        anthropic_blocks.check_answered(messages)
    except anthropic_blocks.Wrong as wrong:
        raise _refused(f"messages: {wrong}") from None
    if messages[0]["role"] != "user":
        raise _refused('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant":
        if not model.prefills:
            text = "This model does not support assistant message prefill."
            raise _refused(f"{text} The conversation must end with a user message.")
        last = [*texts_of(messages[-1]["content"])][-1]
        if last != last.rstrip():
            raise _refused("messages: final assistant content cannot end with trailing whitespace")


def _check_message(number: int, message: dict[str, Any]) -> None:
    if message.get("role") == "system":
        text = 'The Messages API accepts a top-level `system` parameter, not "system" as an input'
        raise _refused(f'messages: Unexpected role "system". {text} message role.')
    if message.get("role") not in ("user", "assistant"):
        raise _refused(f"messages.{number}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    texts = list(texts_of(content))
    if isinstance(content, list):
        if not content:
            raise _refused("messages: content must be non-empty")
        try:
            anthropic_blocks.check_blocks(message["role"], content)
        except anthropic_blocks.Wrong as wrong:
            raise _refused(f"messages.{number}.content: {wrong}") from None
    elif not texts or not all(texts):
        raise _refused("messages: text content blocks must be non-empty")
    if not all(text.strip() for text in texts):
        raise _refused("messages: text content blocks must contain non-whitespace text")


def _check_sampling(asked: dict[str, Any], model: Model) -> None:
    for name in sorted(SAMPLING & asked.keys()):
        value = asked[name]
        if not is_number(value):
            raise _refused(f"{name}: Input should be a valid number")
        if name != "top_k" and not 0 <= value <= 1:
            raise _refused(f"{name}: range: 0..1")
        if not model.samples:
            raise _refused(f"`{name}` is deprecated for this model.")
    if model.samples == "one" and {"temperature", "top_p"} <= asked.keys():
        text = "`temperature` and `top_p` cannot both be specified for this model."
        raise _refused(f"{text} Please use only one.")


def _info(name: str) -> dict[str, Any]:
    made = "2025-01-01T00:00:00Z"
    return {"id": name, "type": "model", "display_name": name, "created_at": made, "lifecycle": "active"}


async def _answer(exchange: Exchange, asked: dict[str, Any]) -> None:
    assert asked.get("stream") is True, "AI-PAL streams"
    words, cut = echo(" ".join(texts_of(asked["messages"][-1]["content"])), asked["max_tokens"])
    usage = {"input_tokens": tokens_of(asked["messages"]), "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": asked["model"]}
    form = (asked.get("output_config") or {}).get("format")
    if form:
        words, cut = [json.dumps(schema_checks.smallest(form["schema"], form["schema"]))], False
    called = anthropic_blocks.called(asked)
    await exchange.begin("text/event-stream")
    await _event(exchange, "message_start", message=message | {"stop_reason": None, "usage": usage})
    blocks = list(anthropic_blocks.thoughts(asked))
    if called:
        blocks += [anthropic_blocks.tool_use(number, tool, words[0]) for number, tool in enumerate(called)]
    else:
        deltas = [{"type": "text_delta", "text": word} for word in words]
        blocks.append(({"type": "text", "text": ""}, deltas))
    await _event(exchange, "ping")
    for index, (block, deltas) in enumerate(blocks):
        await _event(exchange, "content_block_start", index=index, content_block=block)
        for delta in deltas:
            await _event(exchange, "content_block_delta", index=index, delta=delta)
        await _event(exchange, "content_block_stop", index=index)
    reason = "tool_use" if called else "max_tokens" if cut else "end_turn"
    end: dict[str, Any] = {"stop_reason": reason, "stop_sequence": None}
    await _event(exchange, "message_delta", delta=end, usage={"output_tokens": len(words)})
    await _event(exchange, "message_stop")
    await exchange.end()


async def _event(exchange: Exchange, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields})
    await exchange.piece(f"event: {kind}\ndata: {data}\n\n".encode())
