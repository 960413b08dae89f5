"""Attachments that travel in frames of their own behind a request. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from ai_pal.protocol.content import AnyPart, Audio, Image, Message, ToolResult

MOST_FRAME, MOST_BYTES = 64 * 1024 * 1024, 128 * 1024 * 1024
"""Bytes that an attachment in a frame of its own may have, and those of one request together."""

MOST_FRAMES = 64
"""Attachments that one request may have in frames of their own."""

MOST_PARTS = 4096
"""Parts that the messages of one request may have together."""


def frames_behind(messages: Sequence[Message]) -> int:
    """How many frames follow a request with these messages: the highest number that a part names."""
    return max(frames_named(messages), default=0)


def frames_named(messages: Sequence[Message]) -> set[int]:
    """The numbers of the frames that parts of these messages refer to."""
    return {part.frame for part in attachments(messages) if part.frame}


def attachments(messages: Sequence[Message]) -> Iterator[Image | Audio]:
    """The parts that have bytes, those in results of tools too."""
    for message in messages:
        if not isinstance(message.content, str):
            yield from _attachments(message.content)


def _attachments(parts: Iterable[AnyPart]) -> Iterator[Image | Audio]:
    for part in parts:
        if isinstance(part, Image | Audio):
            yield part
        elif isinstance(part, ToolResult) and not isinstance(part.content, str):
            yield from _attachments(part.content)
