"""Attachments that travel in frames of their own behind a request. Pure."""

from collections.abc import Iterable, Sequence

from ai_pal.protocol.content import AnyPart, Audio, Image, Message, ToolResult


def frames_behind(messages: Sequence[Message]) -> int:
    """How many frames follow a request with these messages: the highest number that a part names."""
    return max(
        (_highest(one.content) for one in messages if not isinstance(one.content, str)),
        default=0,
    )


def _highest(parts: Iterable[AnyPart]) -> int:
    highest = 0
    for part in parts:
        if isinstance(part, Image | Audio):
            highest = max(highest, part.frame)
        elif isinstance(part, ToolResult) and not isinstance(part.content, str):
            highest = max(highest, _highest(part.content))
    return highest
