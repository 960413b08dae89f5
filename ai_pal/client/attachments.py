"""Large attachments go in frames of their own behind a request: they are not copied on the way. Pure."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from ai_pal.errors import Code, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol import frames
from ai_pal.protocol.content import Audio, Image, Message, ToolResult

INLINE = 16 * 1024
"""Bytes of an attachment that is sent within the request: a frame of its own would cost more."""

R = TypeVar("R", bound=wire.Request)
Blob = bytes | bytearray | memoryview


def detached(request: R) -> tuple[R, list[Blob]]:
    """A request whose attachments are in frames, and these. Raises `AiPalError`: `frame_too_large`, and
    `bad_request` for an attachment that holds nothing."""
    messages: Sequence[Message] = getattr(request, "messages", ())
    if all(isinstance(message.content, str) for message in messages):
        return request, []
    blobs: list[Blob] = []
    moved = [_message(message, blobs) for message in messages]
    _check(blobs)
    return msgspec.structs.replace(request, messages=moved), blobs


def _message(message: Message, blobs: list[Blob]) -> Message:
    if isinstance(message.content, str):
        return message
    return Message(message.role, [_part(part, blobs) for part in message.content])


def _part(part: Any, blobs: list[Blob]) -> Any:
    match part:
        case ToolResult(content=list(parts)):
            return msgspec.structs.replace(part, content=[_part(inner, blobs) for inner in parts])
        case Image() | Audio():
            if part.frame or not len(part.data):
                what = type(part).__name__
                fail(Code.BAD_REQUEST, f"{what} without data", f"give it its bytes: {what}(media_type, data)")
            if len(part.data) <= INLINE:
                return part
            blobs.append(part.data)
            return msgspec.structs.replace(part, data=b"", frame=len(blobs))
    return part


def _check(blobs: Sequence[Blob]) -> None:
    largest, together = max(map(len, blobs), default=0), sum(map(len, blobs))
    message = ""
    if largest > frames.MOST_FRAME:
        message = f"an attachment has {largest} bytes, more than the {frames.MOST_FRAME} that are allowed"
    elif together > frames.MOST_BYTES:
        message = f"the attachments have {together} bytes, more than the {frames.MOST_BYTES} that are allowed"
    elif len(blobs) > frames.MOST_FRAMES:
        message = f"{len(blobs)} large attachments are more than the {frames.MOST_FRAMES} that are allowed"
    if message:
        fail(Code.FRAME_TOO_LARGE, message, "send fewer or smaller ones")
