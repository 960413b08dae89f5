"""Cohere's chat (version 2), as strict as the reference and its error messages.

https://docs.cohere.com/v2/reference/chat-stream and .../errors; the SDK's signature for the fields."""

import asyncio
import inspect
import json
from typing import Any

import cohere as sdk

from tests.servers.clouds.checks import Refusal, bearer, body_of, echo, is_count, is_number, tokens_of
from tests.servers.loopback import Exchange

KEY, MODEL = "cohere-test-key", "command"

_PARAMETERS = inspect.signature(sdk.AsyncClientV2.chat_stream).parameters
FIELDS = (frozenset(_PARAMETERS) - {"self", "request_options"}) | {"stream"}
ROLES = ("system", "user", "assistant", "tool")

MOST = {MODEL: 4096, "command-r7b-12-2024": 4096, "command-a-03-2025": 8192, "command-a-plus-05-2026": 64_000}
"""Models with their longest answers."""

WINDOW = 128_000
PIECE_SECONDS = 0.005


async def cohere(exchange: Exchange) -> None:
    """Answer one request. Says the last message over and over, a word a token, 50 tokens unless told."""
    try:
        key = bearer(exchange)
        if key != KEY:
            raise Refusal(401, {"message": "invalid api token" if key else "no api key supplied"})
        if exchange.path.startswith("/v1/models"):
            rows = [{"name": name, "endpoints": ["chat"]} for name in MOST]
            await exchange.answer_json(200, {"models": rows})
            return
        if (exchange.method, exchange.path) != ("POST", "/v2/chat"):
            raise Refusal(404, {"message": "not found"})
        asked = body_of(exchange)
        if asked is None:
            raise _refused("invalid json syntax: invalid character in string literal")
        check(asked)
    except Refusal as refusal:
        await exchange.answer_json(refusal.status, refusal.body)
        return
    await _answer(exchange, asked)


def check(asked: dict[str, Any]) -> None:
    """Raises `Refusal` for what the API does not take."""
    for name in asked:
        if name not in FIELDS:
            raise _refused(f"unknown field: parameter '{name}' is not a valid field")
    if not asked.get("model"):
        raise _refused("a model parameter is required for this endpoint.")
    if asked["model"] not in MOST:
        message = f"model '{asked['model']}' not found, make sure the correct model ID was used"
        raise Refusal(404, {"message": message})
    _check_messages(asked.get("messages"))
    _check_options(asked)
    if tokens_of(asked["messages"]) > WINDOW:
        text = f"total number of tokens in the prompt cannot exceed {WINDOW}"
        raise _refused(f"too many tokens: {text} - received {tokens_of(asked['messages'])}.")


def _refused(message: str) -> Refusal:
    return Refusal(400, {"id": "1", "message": message})


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages:
        raise _refused("invalid request: messages must not be empty")
    for number, message in enumerate(messages):
        if message.get("role") not in ROLES:
            raise _refused(f"invalid request: invalid role in messages at index {number}")
        if message["role"] == "system" and number:
            raise _refused("system turn must be the first in the list")
        content = message.get("content")
        if not isinstance(content, str | list):
            raise _refused("invalid request: all elements in history must have a message.")
        if isinstance(content, str) and not content.strip():
            raise _refused("message must not be empty in a turn")


def _check_options(asked: dict[str, Any]) -> None:
    limit, most = asked.get("max_tokens"), MOST[asked["model"]]
    if limit is not None and (not is_count(limit) or limit < 1):
        raise _refused("invalid request: max_tokens must be at least 1")
    if limit is not None and limit > most:
        text = f"max tokens must be less than or equal to {most}, the maximum output for this model"
        raise _refused(f"too many tokens: {text} - received {limit}.")
    for name, high, words in (
        ("temperature", 1, "0 and 1.0"),
        ("p", 1, "0 and 1"),
        ("k", 500, "0 and 500"),
        ("frequency_penalty", 1, "0 and 1"),
        ("presence_penalty", 1, "0 and 1"),
    ):
        value = asked.get(name)
        if value is not None and (not is_number(value) or not 0 <= value <= high):
            raise _refused(f"invalid request: {name} must be between {words} inclusive.")
    if asked.get("frequency_penalty") and asked.get("presence_penalty"):
        names = "'presence_penalty' and 'frequency_penalty'"
        raise _refused(f"invalid request: only one of {names} can be specified for this model.")
    stops = asked.get("stop_sequences")
    if stops is not None and (len(stops) > 5 or not all(isinstance(text, str) and text for text in stops)):
        raise _refused("invalid request: stop_sequences must be at most 5 non-empty strings")
    if asked.get("seed") is not None and not is_count(asked["seed"]):
        raise _refused("invalid request: seed must be an integer")
    if asked.get("safety_mode") not in (None, "CONTEXTUAL", "STRICT", "OFF"):
        raise _refused("invalid request: safety_mode must be one of CONTEXTUAL, STRICT, OFF")


async def _answer(exchange: Exchange, asked: dict[str, Any]) -> None:
    assert asked["stream"] is True, "AI-PAL streams"
    words, cut = echo(asked["messages"][-1]["content"], asked.get("max_tokens"), 50)
    await exchange.begin("text/event-stream")
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    await _event(exchange, "message-start", id="29f14a5a", delta={"message": start})
    empty = {"message": {"content": {"type": "text", "text": ""}}}
    await _event(exchange, "content-start", index=0, delta=empty)
    for word in words:
        await asyncio.sleep(PIECE_SECONDS)
        await _event(exchange, "content-delta", index=0, delta={"message": {"content": {"text": word}}})
    await _event(exchange, "content-end", index=0)
    figures = {"input_tokens": tokens_of(asked["messages"]), "output_tokens": len(words)}
    end = {
        "finish_reason": "MAX_TOKENS" if cut else "COMPLETE",
        "usage": {"billed_units": figures, "tokens": figures},
    }
    await _event(exchange, "message-end", delta=end)
    await exchange.end()


async def _event(exchange: Exchange, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields})
    await exchange.piece(f"event: {kind}\ndata: {data}\n\n".encode())
