"""Messages as llama.cpp's server takes them: parts, calls, results. Pure."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import (
    AnyPart,
    Audio,
    Document,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)

Told = Callable[[Image | Audio], dict[str, Any]]
"""What llama.cpp is told of an attachment."""


def plain_messages(messages: Sequence[Message], told: Told, remembers: bool) -> list[dict[str, Any]]:
    """Thoughts go along only where the template `remembers` them. Raises `AiPalError` (`bad_request`), and
    what `told` raises."""
    plain: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message.content, str):
            plain.append({"role": message.role, "content": message.content})
        else:
            plain += _of_parts(message.role, message.content, told, remembers)
    return plain


def _of_parts(role: str, parts: Sequence[AnyPart], told: Told, remembers: bool) -> list[dict[str, Any]]:
    said = [part for part in parts if isinstance(part, Text | Document | Image | Audio)]
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    results = [_result(part, told) for part in parts if isinstance(part, ToolResult)]
    thought = "".join(part.text for part in parts if isinstance(part, Reasoning))
    turn: dict[str, Any] = {"role": role, "content": _content(said, told)}
    if calls:
        turn["tool_calls"] = calls
    if thought and remembers:
        turn["reasoning_content"] = thought
    return [*results, turn] if said or calls or not results else results


def _content(parts: Iterable[AnyPart], told: Told) -> str | list[dict[str, Any]]:
    said = [_said(part, told) for part in parts]
    if all(one["type"] == "text" for one in said):
        return "".join(one["text"] for one in said)
    return said


def _said(part: AnyPart, told: Told) -> dict[str, Any]:
    match part:
        case Image() | Audio():
            return told(part)
        case Text():
            return {"type": "text", "text": part.text}
        case Document():
            return {"type": "text", "text": part.marked}
        case _:
            return {"type": "text", "text": ""}


def _call(part: ToolCall) -> dict[str, Any]:
    try:
        whole = isinstance(json.loads(part.arguments or "{}"), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        fail(
            Code.BAD_REQUEST,
            f"the arguments of the call {part.id!r} of {part.name} are no JSON object",
            "they may have been cut off: leave the turn out, or ask with a larger max_tokens",
        )
    function = {"name": part.name, "arguments": part.arguments or "{}"}
    return {"id": part.id, "type": "function", "function": function}


def _result(part: ToolResult, told: Told) -> dict[str, Any]:
    said = [Text(part.content)] if isinstance(part.content, str) else part.content
    parts = [Text("Error: "), *said] if part.is_error else said
    return {"role": "tool", "tool_call_id": part.id, "content": _content(parts, told)}
