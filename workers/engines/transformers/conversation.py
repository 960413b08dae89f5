"""Messages as chat templates want them: dictionaries, calls and results where templates look. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from ai_pal.protocol.content import Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import Tool

PLACE = {"type": "image"}
"""Where a picture stands among the texts, in templates of models that see."""


def for_template(
    messages: Sequence[Message], in_lists: bool = False, in_channels: bool = False
) -> list[dict[str, Any]]:
    """What a template goes through. Thoughts are apart: templates that want them back know the field. Those
    of harmony (`in_channels`) call it another name, and refuse text beside a thought that led to a call."""
    names: dict[str, str] = {}
    written: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message.content, str):
            written.append({"role": message.role, "content": message.content})
            continue
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        written += [_result(result, names.get(result.id, "")) for result in results]
        others = [part for part in message.parts if not isinstance(part, ToolResult)]
        if not others and results:
            continue
        one: dict[str, Any] = {"role": message.role, "content": _content(message, others)}
        if thought := "".join(part.text for part in others if isinstance(part, Reasoning)):
            one["thinking" if in_channels else "reasoning_content"] = thought
        calls = [part for part in others if isinstance(part, ToolCall)]
        if calls:
            names.update({call.id: call.name for call in calls})
            one["tool_calls"] = [_call(call) for call in calls]
            if in_channels and thought:
                del one["content"]
        written.append(one)
    return [_in_list(one) for one in written] if in_lists else written


def tools_for_template(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Tools as templates describe them to the model."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": {"type": "object", "properties": {}} | tool.parameters,
            },
        }
        for tool in tools
    ]


def images_of(messages: Sequence[Message]) -> list[Image]:
    """All pictures, in the order in which the template comes by them."""
    found: list[Image] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, Image):
                found.append(part)
            elif isinstance(part, ToolResult) and not isinstance(part.content, str):
                found += [inner for inner in part.content if isinstance(inner, Image)]
    return found


def uses_tools(messages: Sequence[Message]) -> bool:
    """Whether tools have been called in this conversation."""
    return any(isinstance(part, ToolCall | ToolResult) for one in messages for part in one.parts)


def _content(message: Message, parts: Sequence[Any]) -> str | list[dict[str, Any]]:
    if not any(isinstance(part, Image) for part in parts):
        return message.text
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Image):
            content.append(PLACE)
        elif isinstance(part, Document):
            content.append({"type": "text", "text": part.marked})
        elif isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
    return content


def _in_list(one: dict[str, Any]) -> dict[str, Any]:
    """Some templates take contents as lists of parts only."""
    content = one.get("content", "")
    return one if isinstance(content, list) else {**one, "content": [{"type": "text", "text": content}]}


def _call(call: ToolCall) -> dict[str, Any]:
    """Templates write the arguments themselves, from an object; what was cut off stays a string."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = call.arguments
    return {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": arguments}}


def _result(result: ToolResult, name: str) -> dict[str, Any]:
    content: str | list[dict[str, Any]] = f"Error: {result.text}" if result.is_error else result.text
    if not isinstance(result.content, str) and any(isinstance(part, Image) for part in result.content):
        places = [PLACE for part in result.content if isinstance(part, Image)]
        content = [{"type": "text", "text": str(content)}, *places]
    return {"role": "tool", "tool_call_id": result.id, "name": name, "content": content}
