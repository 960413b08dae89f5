"""Turns as templates want them that take only questions and answers in alternation. Pure."""

from collections.abc import Sequence

from ai_pal.protocol.content import Message, Text

BETWEEN = "\n\n"


def alternating(messages: Sequence[Message]) -> list[Message]:
    """Questions that follow each other are one, and so are answers: nothing that was said is lost."""
    result: list[Message] = []
    for message in messages:
        last = result[-1] if result else None
        if last is not None and last.role == message.role and message.role in ("user", "assistant"):
            result[-1] = _joined(last, message)
        else:
            result.append(message)
    return result


def _joined(one: Message, other: Message) -> Message:
    if isinstance(one.content, str) and isinstance(other.content, str):
        return Message(one.role, one.content + BETWEEN + other.content)
    return Message(one.role, [*one.parts, Text(BETWEEN), *other.parts])
