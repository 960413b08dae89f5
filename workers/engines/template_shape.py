"""The shape in which a chat template takes messages: found out by trying. Pure."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from workers.engines.channels import writes_channels
from workers.tool_turns import NAME

ThoughtPlace = Literal["reasoning_content", "thinking", "part"]
"""Where a template looks for thoughts: in a field of this name, or among the parts of the content."""
PLACES: tuple[ThoughtPlace, ...] = ("reasoning_content", "thinking", "part")
TOOL_RESPONSES = "tool_responses"
"""The field in which Gemma 4 wants results."""
PRINTED = "{'type'"
"""A list of parts that a template prints as if it were a text."""
Messages = list[dict[str, Any]]

NO_SYSTEM = {"role": "system", "content": ""}
QUESTION = {"role": "user", "content": "a question that is seen"}
THOUGHT = "a thought that is seen"
_CALL = {"type": "function", "id": "abcdefgh0", "function": {"name": NAME, "arguments": {"x": 1}}}
THOUGHTFUL: tuple[Messages, ...] = (
    [QUESTION, {"role": "assistant", "content": "y", "reasoning_content": THOUGHT}, QUESTION],
    [
        QUESTION,
        {"role": "assistant", "content": "", "reasoning_content": THOUGHT, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": _CALL["id"], "name": NAME, "content": "some result"},
    ],
)
"""Thoughts of an answer, and of the turn that goes on."""


class Shape(NamedTuple):
    """`in_lists`: contents are lists of parts. `in_channels`: harmony's, which refuses text beside a thought
    that led to a call. `merged`: results stand in the turn of their calls."""

    in_lists: bool = False
    in_channels: bool = False
    thoughts: ThoughtPlace = "reasoning_content"
    merged: bool = False


def shape_of(template: str, rendered: Callable[[Messages], str]) -> Shape:
    """The shape for the template with this text. Raises what `rendered` raises of a single question."""
    try:
        return _found(template, rendered)
    except Exception:
        with contextlib.suppress(Exception):  # some demand a system message
            return _found(template, lambda messages: rendered(_behind_no_system(messages)))
        raise


def _found(template: str, rendered: Callable[[Messages], str]) -> Shape:
    shape = Shape(in_channels=writes_channels(template), merged=TOOL_RESPONSES in template)
    if QUESTION["content"] not in rendered(shaped([QUESTION], shape)):
        shape = shape._replace(in_lists=True)
        rendered(shaped([QUESTION], shape))
    if shape.in_channels:
        return shape._replace(thoughts="thinking")
    for place in PLACES:
        wanted = shape._replace(thoughts=place)
        texts = [_tried(rendered, shaped(messages, wanted)) for messages in THOUGHTFUL]
        if any(THOUGHT in text and PRINTED not in text for text in texts):
            return wanted
    return shape


def _behind_no_system(messages: Messages) -> Messages:
    """Behind an empty system message, in the form of the others."""
    in_list = isinstance(messages[0]["content"], list)
    return [{**NO_SYSTEM, "content": [{"type": "text", "text": ""}]} if in_list else NO_SYSTEM, *messages]


def _tried(rendered: Callable[[Messages], str], messages: Messages) -> str:
    try:
        return rendered(messages)
    except Exception:  # noqa: BLE001 - a template is a program and can fail in any way
        return ""


def shaped(messages: Sequence[dict[str, Any]], shape: Shape) -> Messages:
    """Messages whose contents are texts or parts, and whose thoughts are in `reasoning_content`."""
    placed = [_with_thought(one, shape) for one in messages]
    placed = _merged(placed) if shape.merged else placed
    return [_in_list(one) for one in placed] if shape.in_lists else placed


def _with_thought(message: dict[str, Any], shape: Shape) -> dict[str, Any]:
    thought = message.get("reasoning_content", "")
    if not thought:
        return message
    one = {name: value for name, value in message.items() if name != "reasoning_content"}
    if shape.thoughts == "part":
        said = one["content"] if isinstance(one["content"], list) else _texts(one["content"])
        one["content"] = [{"type": "thinking", "thinking": thought}, *said]
    else:
        one[shape.thoughts] = thought
    if shape.in_channels and "tool_calls" in one:
        del one["content"]
    return one


def _in_list(one: dict[str, Any]) -> dict[str, Any]:
    content = one.get("content", "")
    return one if isinstance(content, list) else {**one, "content": [{"type": "text", "text": content}]}


def _merged(messages: Sequence[dict[str, Any]]) -> Messages:
    """Results stand in the turn of their calls, and so does what is said behind them."""
    result: Messages = []
    for message in messages:
        last = result[-1] if result else {}
        if message["role"] == "tool" and "tool_calls" in last:
            told = {"name": message["name"], "response": message["content"]}
            last[TOOL_RESPONSES] = [*last.get(TOOL_RESPONSES, []), told]
        elif message["role"] == "assistant" and TOOL_RESPONSES in last and "tool_calls" not in message:
            last["content"] = message["content"]
        else:
            result.append(dict(message))
    return result


def _texts(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if content else []
