"""Messages as chat templates want them: dictionaries, calls and results where templates look. Pure."""

from collections.abc import Sequence
from typing import Any

from ai_pal.protocol.content import Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import Tool
from workers.engines.template_shape import Shape, shaped
from workers.tool_turns import arguments_of, names_of, with_properties

PLACE = {"type": "image"}
"""Where a picture stands among the texts, in templates of models that see."""


def for_template(messages: Sequence[Message], shape: Shape) -> list[dict[str, Any]]:
    """What a template goes through. Thoughts are apart: templates that want them back know the place."""
    names = names_of(messages)
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
            one["reasoning_content"] = thought
        if calls := [_call(part) for part in others if isinstance(part, ToolCall)]:
            one["tool_calls"] = calls
        written.append(one)
    return shaped(written, shape)


def tools_for_template(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Tools as templates describe them to the model."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": with_properties(tool.parameters),
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
        elif isinstance(part, Text | Document):
            text = part.marked if isinstance(part, Document) else part.text
            if content and content[-1]["type"] == "text":  # one: templates trim each
                text = content.pop()["text"] + text
            content.append({"type": "text", "text": text})
    return content


def _call(call: ToolCall) -> dict[str, Any]:
    """Templates write the arguments themselves, from an object."""
    function = {"name": call.name, "arguments": arguments_of(call)}
    return {"type": "function", "id": call.id, "function": function}


def _result(result: ToolResult, name: str) -> dict[str, Any]:
    content: str | list[dict[str, Any]] = f"Error: {result.text}" if result.is_error else result.text
    if not isinstance(result.content, str) and any(isinstance(part, Image) for part in result.content):
        places = [PLACE for part in result.content if isinstance(part, Image)]
        content = [{"type": "text", "text": str(content)}, *places]
    return {"role": "tool", "tool_call_id": result.id, "name": name, "content": content}
