"""Conversations in the shape that a provider demands: no blank turns, roles in turn, the user first. Pure."""

from collections.abc import Sequence, Set

from msgspec.structs import replace

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Message

BETWEEN = "\n\n"
"""What stands between two turns of one role that become one."""

OMITTED = "[...]"
"""Stands for what was said before the first turn, where that has to be the user's."""


def spoken(messages: Sequence[Message]) -> list[Message]:
    """Without turns that say nothing: an answer that was only a line break, an empty system prompt. Raises
    `AiPalError` (`empty_prompt`) where that would leave an answer last that was not to be gone on with."""
    if messages and messages[-1].role == "user" and not messages[-1].text.strip():
        fail(Code.EMPTY_PROMPT, "the last turn is blank, and this provider takes no blank turns", "say more")
    return [message for message in messages if message.text.strip()]


def joined(messages: Sequence[Message]) -> list[Message]:
    """Consecutive turns of one role as one."""
    found: list[Message] = []
    for message in messages:
        if found and found[-1].role == message.role:
            found[-1] = replace(message, content=found[-1].text + BETWEEN + message.text)
        else:
            found.append(message)
    return found


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


def shaped(messages: Sequence[Message], shapes: Set[str]) -> list[Message]:
    """As a server has asked for: see `rules.SHAPES`."""
    found = list(messages)
    if "spoken" in shapes:
        found = spoken(found)
    if "system_as_user" in shapes:
        found = system_as_user(found)
    return joined(found) if "joined" in shapes else found


def trimmed_end(messages: Sequence[Message]) -> list[Message]:
    """With no blanks at the end of an answer that is to be gone on with."""
    if not messages or messages[-1].role != "assistant":
        return list(messages)
    return [*messages[:-1], replace(messages[-1], content=messages[-1].text.rstrip())]
