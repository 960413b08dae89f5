"""Conversations in the shape that a provider demands: no blank turns, roles in turn, the user first. Pure."""

import json
from collections.abc import Sequence, Set
from typing import Any

from msgspec.structs import replace

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import AnyPart, Document, Message, Reasoning, Text, ToolCall, ToolResult

BETWEEN = "\n\n"
"""What stands between two turns of one role that become one."""

OMITTED = "[...]"
"""Stands for what was said before the first turn, where that has to be the user's."""


def says(part: AnyPart) -> bool:
    """Whether a part says anything to a model that is asked now."""
    return bool(part.text.strip()) if isinstance(part, Text) else not isinstance(part, Reasoning)


def spoken(messages: Sequence[Message]) -> list[Message]:
    """Without turns and texts that say nothing: an answer that was only a line break, an empty system prompt.
    Raises `AiPalError` (`empty_prompt`) where that would leave an answer last that was not to be gone on
    with."""
    if messages and messages[-1].role == "user" and not any(map(says, messages[-1].parts)):
        fail(Code.EMPTY_PROMPT, "the last turn is blank, and this provider takes no blank turns", "say more")
    return [_without_blanks(message) for message in messages if any(map(says, message.parts))]


def _without_blanks(message: Message) -> Message:
    if isinstance(message.content, str):
        return message
    kept = [part for part in message.content if not isinstance(part, Text) or says(part)]
    return replace(message, content=kept)


def joined(messages: Sequence[Message]) -> list[Message]:
    """Consecutive turns of one role as one; results of tools stay apart."""
    found: list[Message] = []
    for message in messages:
        if found and found[-1].role == message.role != "tool":
            found[-1] = replace(message, content=_together(found[-1], message))
        else:
            found.append(message)
    return found


def _together(one: Message, other: Message) -> str | list[AnyPart]:
    if isinstance(one.content, str) and isinstance(other.content, str):
        return one.content + BETWEEN + other.content
    first, second = list(one.parts), list(other.parts)
    if first and second and isinstance(first[-1], Text) and isinstance(second[0], Text):
        between = Text(first[-1].text + BETWEEN + second[0].text)
        return [*first[:-1], between, *second[1:]]
    return [*first, *second]


def system_first(messages: Sequence[Message]) -> list[Message]:
    """With all that is said to the system in one turn before all others."""
    system = [message for message in messages if message.role == "system"]
    return [*joined(system), *(message for message in messages if message.role != "system")]


def user_first(messages: Sequence[Message]) -> list[Message]:
    """Turns without a system prompt, of which the first is the user's."""
    if messages and messages[0].role != "user":
        return [Message("user", OMITTED), *messages]
    return list(messages)


def system_as_user(messages: Sequence[Message]) -> list[Message]:
    """With what is said to the system at the beginning of the user's first turn."""
    return joined([replace(m, role="user") if m.role == "system" else m for m in system_first(messages)])


def unthought(messages: Sequence[Message]) -> list[Message]:
    """Without what was thought."""
    return [
        m
        if isinstance(m.content, str)
        else replace(m, content=[part for part in m.content if not isinstance(part, Reasoning)])
        for m in messages
    ]


def shaped(messages: Sequence[Message], shapes: Set[str]) -> list[Message]:
    """As a server has asked for: see `rules.SHAPES`."""
    found = list(messages)
    if "unthought" in shapes:
        found = unthought(found)
    if "spoken" in shapes:
        found = spoken(found)
    if "system_as_user" in shapes:
        found = system_as_user(found)
    return joined(found) if "joined" in shapes else found


def trimmed_end(messages: Sequence[Message]) -> list[Message]:
    """With no blanks at the end of an answer that is to be gone on with."""
    if not messages or messages[-1].role != "assistant":
        return list(messages)
    last = messages[-1]
    if isinstance(last.content, str):
        return [*messages[:-1], replace(last, content=last.content.rstrip())]
    if last.content and isinstance(last.content[-1], Text):
        end = Text(last.content[-1].text.rstrip())
        return [*messages[:-1], replace(last, content=[*last.content[:-1], end])]
    return list(messages)


# -- parts ---------------------------------------------------------------------------------------


def text_of(message: Message) -> str:
    """What a turn says in words: its texts, and its documents with their names."""
    return "".join(map(words, message.parts))


def words(part: AnyPart) -> str:
    """A text, or a document with its name; nothing for other parts."""
    if isinstance(part, Document):
        return part.marked
    return part.text if isinstance(part, Text) else ""


def results(message: Message) -> list[ToolResult]:
    """What came of calls of tools."""
    return [part for part in message.parts if isinstance(part, ToolResult)]


def calls(message: Message) -> list[ToolCall]:
    """The calls of tools in a turn."""
    return [part for part in message.parts if isinstance(part, ToolCall)]


def thoughts_of(message: Message) -> str:
    """What was thought, without signatures."""
    return "".join(part.text for part in message.parts if isinstance(part, Reasoning))


def result_text(result: ToolResult) -> str:
    """The words of a result, for a provider that cannot be told otherwise that it is an error."""
    return f"error: {result.text}" if result.is_error else result.text


def in_loop(messages: Sequence[Message]) -> int:
    """Where the turns begin that belong to the answer under way: after the last of the user's."""
    return max((number + 1 for number, m in enumerate(messages) if m.role == "user"), default=0)


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object. What a model has cut off or made no object of is told as it is."""
    try:
        value = json.loads(call.given)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"unreadable": call.arguments}


def named(messages: Sequence[Message]) -> dict[str, str]:
    """The names of the tools by the ids of their calls."""
    return {call.id: call.name for message in messages for call in calls(message)}
