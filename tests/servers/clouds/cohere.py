"""Cohere's chat (version 2), as strict as the reference and its error messages.

https://docs.cohere.com/v2/reference/chat-stream and .../errors; the SDK's signature for the fields."""

import asyncio
import inspect
import json
from typing import Any

import cohere as sdk

from tests.servers.clouds import schema_checks, turn_checks
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

KEY, MODEL = "cohere-test-key", "command"

_PARAMETERS = inspect.signature(sdk.AsyncClientV2.chat_stream).parameters
FIELDS = (frozenset(_PARAMETERS) - {"self", "request_options"}) | {"stream"}
ROLES = ("system", "user", "assistant", "tool")

MOST = {MODEL: 4096, "command-r7b-12-2024": 4096, "command-a-03-2025": 8192, "command-a-plus-05-2026": 64_000}
"""Models with their longest answers."""

WINDOW = 128_000
USUAL = 50
"""Words of an answer without a limit."""
PIECE_SECONDS = 0.005
"""The pace of a long answer."""


async def cohere(exchange: Exchange, *, long: bool = False) -> None:
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
    await _answer(exchange, asked, long)


async def watched(exchange: Exchange) -> None:
    """Answer one request with as many tokens as it allows, slowly: one that allows 64,000 goes on for five
    minutes."""
    await cohere(exchange, long=True)


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
    _check_parts(asked)
    _check_tools(asked)
    _check_form(asked)
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
        if content is None and message.get("tool_calls"):
            continue
        if not isinstance(content, str | list):
            raise _refused("invalid request: all elements in history must have a message.")
        if isinstance(content, str) and not content.strip():
            raise _refused("message must not be empty in a turn")


TURNS = {
    "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
SEES, THINKS = ("command-a-plus", "vision"), ("command-a-plus", "reasoning")
KEYWORDS = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "$ref"}
    | {"$defs", "definitions", "description", "title", "pattern", "format"}
)


def _able(asked: dict[str, Any], marks: tuple[str, ...]) -> bool:
    return any(mark in asked["model"] for mark in marks)


def _check_parts(asked: dict[str, Any]) -> None:
    for message in asked["messages"]:
        if message.keys() - TURNS.get(message["role"], {"role", "content"}):
            raise _refused(f"invalid request: unknown field in a turn of {message['role']}")
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            kind = part.get("type")
            if kind == "image_url" and message["role"] == "user":
                if not _able(asked, SEES):
                    raise _refused("invalid request: image content is not supported for this model")
                turn_checks.check_data_uri(part["image_url"]["url"], _refused)
            elif kind == "thinking" and message["role"] == "assistant":
                if not _able(asked, THINKS):
                    raise _refused("invalid request: thinking content is not supported for this model")
            elif kind != "text" or not part["text"].strip():
                raise _refused(f"invalid request: {kind} in a turn of {message['role']}")
    turn_checks.check_answered(asked["messages"], _refused)


def _check_tools(asked: dict[str, Any]) -> None:
    choice = asked.get("tool_choice")
    if asked.get("tools") is None:
        if choice is not None:
            raise _refused("invalid request: tool_choice needs tools")
        return
    turn_checks.check_functions(asked["tools"], _refused)
    if choice not in (None, "REQUIRED", "NONE"):
        raise _refused("invalid request: tool_choice must be one of REQUIRED, NONE")
    if asked.get("response_format") or asked.get("safety_mode"):
        raise _refused("invalid request: not supported in combination with tools")


def _check_form(asked: dict[str, Any]) -> None:
    form = asked.get("response_format")
    if form is not None:
        if form.get("type") != "json_object":
            raise _refused("invalid request: response_format type must be one of text, json_object")
        if (schema := form.get("json_schema")) is not None:
            schema_checks.check(schema, _refused, keywords=KEYWORDS, full=False, closed=False, some=True)
            if schema.get("type") != "object":
                raise _refused("invalid request: the top level of a schema must be an object")
    thinking = asked.get("thinking")
    if thinking is not None:
        if not _able(asked, THINKS):
            raise _refused("invalid request: thinking is not supported for this model")
        budget = thinking.get("token_budget")
        if thinking.get("type") not in ("enabled", "disabled") or (budget is not None and budget < 1):
            raise _refused("invalid request: thinking")


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


async def _answer(exchange: Exchange, asked: dict[str, Any], long: bool) -> None:
    assert asked["stream"] is True, "AI-PAL streams"
    last = asked["messages"][-1]
    most = asked.get("max_tokens")
    said = most if long and most else USUAL
    words, cut = echo(" ".join(texts_of(last.get("content"))), most, said)
    form = asked.get("response_format")
    if form:
        schema = form.get("json_schema")
        words, cut = [json.dumps(schema_checks.smallest(schema, schema) if schema else {"said": True})], False
    await exchange.begin("text/event-stream")
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    await _event(exchange, "message-start", id="29f14a5a", delta={"message": start})
    called = asked.get("tools") if last["role"] != "tool" and asked.get("tool_choice") != "NONE" else None
    if called:
        await _call(exchange, called, words[0])
        words = []
    elif (asked.get("thinking") or {}).get("type") == "enabled":
        for piece in ("let me ", "think"):
            delta = {"message": {"content": {"thinking": piece}}}
            await _event(exchange, "content-delta", index=0, delta=delta)
    empty = {"message": {"content": {"type": "text", "text": ""}}}
    await _event(exchange, "content-start", index=0, delta=empty)
    for word in words:
        await asyncio.sleep(PIECE_SECONDS if long else 0)
        more = {}
        if asked.get("logprobs"):
            more = {"logprobs": {"text": word, "token_ids": [7], "logprobs": [-0.5]}}
        delta = {"message": {"content": {"text": word}}}
        await _event(exchange, "content-delta", index=0, delta=delta, **more)
    await _event(exchange, "content-end", index=0)
    figures = {"input_tokens": tokens_of(asked["messages"]), "output_tokens": len(words)}
    end = {
        "finish_reason": "TOOL_CALL" if called else "MAX_TOKENS" if cut else "COMPLETE",
        "usage": {"billed_units": figures, "tokens": figures},
    }
    await _event(exchange, "message-end", delta=end)
    await exchange.end()


async def _call(exchange: Exchange, tools: list[dict[str, Any]], word: str) -> None:
    for piece in ("I will ", "look."):
        await _event(exchange, "tool-plan-delta", delta={"message": {"tool_plan": piece}})
    for index, tool in enumerate(tools):
        name, arguments = tool["function"]["name"], json.dumps({"said": word})
        call = {"id": f"{name}_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        await _event(exchange, "tool-call-start", index=index, delta={"message": {"tool_calls": call}})
        for piece in (arguments[:5], arguments[5:]):
            more = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            await _event(exchange, "tool-call-delta", index=index, delta=more)
        await _event(exchange, "tool-call-end", index=index)


async def _event(exchange: Exchange, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields})
    await exchange.piece(f"event: {kind}\ndata: {data}\n\n".encode())
