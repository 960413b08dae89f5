"""Messages as chat templates want them: dictionaries, calls and results where templates look. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

from ai_pal.protocol.content import Document, Image, Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import Tool
from workers.tool_turns import arguments_of, names_of, with_properties

ThoughtPlace = Literal["reasoning_content", "thinking", "part"]
"""Where a template looks for thoughts: in a field of this name, or among the parts of the content."""
PLACE = {"type": "image"}
"""Where a picture stands among the texts, in templates of models that see."""


def for_template(
    messages: Sequence[Message],
    in_lists: bool = False,
    in_channels: bool = False,
    thoughts: ThoughtPlace = "reasoning_content",
    merged: bool = False,
) -> list[dict[str, Any]]:
    """What a template goes through. Thoughts are apart: templates that want them back know the place. Those
    of harmony (`in_channels`) refuse text beside a thought that led to a call; Gemma's want results `merged`
    into the turn of their calls."""
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
            if thoughts == "part":
                said = one["content"] if isinstance(one["content"], list) else _texts(one["content"])
                one["content"] = [{"type": "thinking", "thinking": thought}, *said]
            else:
                one[thoughts] = thought
        calls = [part for part in others if isinstance(part, ToolCall)]
        if calls:
            one["tool_calls"] = [_call(call) for call in calls]
            if in_channels and thought:
                del one["content"]
        written.append(one)
    written = _merged(written) if merged else written
    return [_in_list(one) for one in written] if in_lists else written


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


def _in_list(one: dict[str, Any]) -> dict[str, Any]:
    """Some templates take contents as lists of parts only."""
    content = one.get("content", "")
    return one if isinstance(content, list) else {**one, "content": [{"type": "text", "text": content}]}


def _merged(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results stand in the turn of their calls, and so does what is said behind them."""
    result: list[dict[str, Any]] = []
    for message in messages:
        last = result[-1] if result else {}
        if message["role"] == "tool" and "tool_calls" in last:
            told = {"name": message["name"], "response": message["content"]}
            last["tool_responses"] = [*last.get("tool_responses", []), told]
        elif message["role"] == "assistant" and "tool_responses" in last and "tool_calls" not in message:
            last["content"] = message["content"]
        else:
            result.append(dict(message))
    return result


def _texts(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if content else []


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
