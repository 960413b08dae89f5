"""Attachments of a request: they come in frames of their own behind it. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import AnyPart, Audio, Image, Message, ToolResult

Blob = bytes | memoryview


def filled(messages: Sequence[Message], blobs: Sequence[Blob]) -> list[Message]:
    """The messages with the bytes of their attachments in them. Raises `AiPalError` (`bad_request`)."""
    return [
        one
        if isinstance(one.content, str)
        else replace(one, content=[_filled(part, blobs) for part in one.content])
        for one in messages
    ]


def _filled(part: AnyPart, blobs: Sequence[Blob]) -> AnyPart:
    if isinstance(part, ToolResult) and not isinstance(part.content, str):
        return replace(part, content=[_filled(inner, blobs) for inner in part.content])
    if not isinstance(part, Image | Audio) or not part.frame:
        return part
    if part.frame > len(blobs):
        fail(Code.BAD_REQUEST, f"attachment {part.frame} has not come", "send it behind the request")
    return replace(part, data=blobs[part.frame - 1], frame=0)
