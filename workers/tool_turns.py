"""Calls of tools and what came of them, as templates take them that are particular about them. Pure.

Mistral's take no ids but of nine letters and digits, Llama's one call in a turn.
"""

import json
import string
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import AnyPart, Document, Message, Text, ToolCall, ToolResult

ID_LENGTH = 9
LETTERS = string.digits + string.ascii_letters
LONG = "call_0123456789abcdef"
NAME = "some_tool"


def called(count: int, call: str = "", said: str = "") -> list[Message]:
    """A turn with so many calls, and their results, to try a template with."""
    ids = [call or f"abcdefgh{number}" for number in range(count)]
    calls = [ToolCall(one, NAME, '{"x": 1}') for one in ids]
    return [
        Message("assistant", [Text(said), *calls] if said else list(calls)),
        *(Message("tool", [ToolResult(one, "some result")]) for one in ids),
    ]


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """Raises `AiPalError` (`bad_request`) for a call that was cut off: no template has a form for it."""
    try:
        arguments = json.loads(call.given)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        fail(
            Code.BAD_REQUEST,
            f"the arguments of the call {call.id!r} of {call.name} are no JSON object",
            "they may have been cut off: leave the turn out, or ask with a larger max_tokens",
        )
    return arguments


def names_of(messages: Sequence[Message]) -> dict[str, str]:
    """The name of the tool of each call."""
    return {part.id: part.name for one in messages for part in one.parts if isinstance(part, ToolCall)}


def with_properties(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a tool's parameters; templates go through its properties, also where it has none."""
    missing = {"type": "object", "properties": {}}
    return schema | {name: value for name, value in missing.items() if name not in schema}


def with_short_ids(messages: Sequence[Message]) -> list[Message]:
    """Calls and their results under ids of nine letters and digits; the same id gives the same."""
    return [
        one
        if isinstance(one.content, str)
        else replace(
            one,
            content=[
                replace(part, id=short(part.id)) if isinstance(part, ToolCall | ToolResult) else part
                for part in one.content
            ],
        )
        for one in messages
    ]


def short(call: str) -> str:
    """An id of nine letters and digits for this one."""
    if len(call) == ID_LENGTH and call.isascii() and call.isalnum():
        return call
    number = int.from_bytes(blake2b(call.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    return "".join(LETTERS[number // len(LETTERS) ** at % len(LETTERS)] for at in range(ID_LENGTH))


def with_text_apart(messages: Sequence[Message]) -> list[Message]:
    """What is said beside a call is a turn of its own in front of it."""
    result: list[Message] = []
    for message in messages:
        said = [part for part in message.parts if isinstance(part, Text | Document)]
        rest: list[AnyPart] = [part for part in message.parts if not isinstance(part, Text | Document)]
        if said and any(isinstance(part, ToolCall) for part in rest):
            result += [Message("assistant", list(said)), Message("assistant", rest)]
        else:
            result.append(message)
    return result


def one_by_one(messages: Sequence[Message]) -> list[Message]:
    """Several calls of one turn are a turn each, with what came of it."""
    result: list[Message] = []
    at = 0
    while at < len(messages):
        message, at = messages[at], at + 1
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        if len(calls) < 2:
            result.append(message)
            continue
        given: list[ToolResult] = []
        while at < len(messages) and messages[at].role == "tool":
            given += [part for part in messages[at].parts if isinstance(part, ToolResult)]
            at += 1
        said = [part for part in message.parts if not isinstance(part, ToolCall)]
        for call in calls:
            result.append(Message("assistant", [*said, call]))
            result += [Message("tool", [one]) for one in given if one.id == call.id]
            said = []
        ids = {call.id for call in calls}
        result += [Message("tool", [one]) for one in given if one.id not in ids]
    return result
