"""Messages as llama.cpp's server takes them: parts, calls, results. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

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
from workers.tool_turns import arguments_of, names_of

Told = Callable[[Image | Audio], dict[str, Any]]
"""What llama.cpp is told of an attachment."""


def plain_messages(messages: Sequence[Message], told: Told, remembers: bool) -> list[dict[str, Any]]:
    """Thoughts go along only where the template `remembers` them. Raises `AiPalError` (`bad_request`), and
    what `told` raises."""
    plain: list[dict[str, Any]] = []
    names = names_of(messages)
    for message in messages:
        if isinstance(message.content, str):
            plain.append({"role": message.role, "content": message.content})
        else:
            plain += _of_parts(message.role, message.content, told, remembers, names)
    return plain


def _of_parts(
    role: str, parts: Sequence[AnyPart], told: Told, remembers: bool, names: dict[str, str]
) -> list[dict[str, Any]]:
    said = [part for part in parts if isinstance(part, Text | Document | Image | Audio)]
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    results = [_result(part, names.get(part.id, ""), told) for part in parts if isinstance(part, ToolResult)]
    thought = "".join(part.text for part in parts if isinstance(part, Reasoning))
    turn: dict[str, Any] = {"role": role, "content": _content(said, told)}
    if calls:
        turn["tool_calls"] = calls
    if thought and remembers:
        turn["reasoning_content"] = thought
    return [*results, turn] if said or calls or not results else results


def _content(parts: Iterable[AnyPart], told: Told) -> str | list[dict[str, Any]]:
    """Texts that follow each other are one: llama.cpp puts line breaks between them, templates trim each."""
    said: list[dict[str, Any]] = []
    for one in (_said(part, told) for part in parts):
        if said and one["type"] == said[-1]["type"] == "text":
            said[-1] = {"type": "text", "text": said[-1]["text"] + one["text"]}
        else:
            said.append(one)
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
    arguments_of(part)
    function = {"name": part.name, "arguments": part.given}
    return {"id": part.id, "type": "function", "function": function}


def _result(part: ToolResult, name: str, told: Told) -> dict[str, Any]:
    said = [Text(part.content)] if isinstance(part.content, str) else part.content
    parts = [Text("Error: "), *said] if part.is_error else said
    return {"role": "tool", "tool_call_id": part.id, "name": name, "content": _content(parts, told)}
