"""Messages as llama.cpp's server takes them: parts, calls, results, images as data URIs. Pure."""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import (
    AnyPart,
    Audio,
    Document,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from ai_pal.protocol.pictures import FORMATS, MOST_PIXELS, NoPictureError, look_at
from workers.engines.base import Blob, bytes_of

AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def plain_messages(
    messages: Sequence[Message], blobs: Sequence[Blob], remembers: bool
) -> list[dict[str, Any]]:
    """Thoughts go along only where the template `remembers` them. Raises `AiPalError` (`bad_request`)."""
    plain: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message.content, str):
            plain.append({"role": message.role, "content": message.content})
        else:
            plain += _of_parts(message.role, message.content, blobs, remembers)
    return plain


def _of_parts(
    role: str, parts: Sequence[AnyPart], blobs: Sequence[Blob], remembers: bool
) -> list[dict[str, Any]]:
    said = [part for part in parts if isinstance(part, Text | Document | Image | Audio)]
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    results = [_result(part, blobs) for part in parts if isinstance(part, ToolResult)]
    thought = "".join(part.text for part in parts if isinstance(part, Reasoning))
    turn: dict[str, Any] = {"role": role, "content": _content(said, blobs)}
    if calls:
        turn["tool_calls"] = calls
    if thought and remembers:
        turn["reasoning_content"] = thought
    return [*results, turn] if said or calls or not results else results


def _content(parts: Iterable[AnyPart], blobs: Sequence[Blob]) -> str | list[dict[str, Any]]:
    said = [_said(part, blobs) for part in parts]
    if all(one["type"] == "text" for one in said):
        return "".join(one["text"] for one in said)
    return said


def _said(part: AnyPart, blobs: Sequence[Blob]) -> dict[str, Any]:
    match part:
        case Image():
            return {"type": "image_url", "image_url": {"url": _data_uri(bytes_of(part, blobs))}}
        case Audio():
            if part.media_type not in AUDIO_FORMATS:
                fail(Code.UNSUPPORTED, f"llama.cpp cannot read {part.media_type}", "send WAV or MP3")
            data = base64.b64encode(bytes_of(part, blobs)).decode()
            format_ = AUDIO_FORMATS[part.media_type]
            return {"type": "input_audio", "input_audio": {"data": data, "format": format_}}
        case Text():
            return {"type": "text", "text": part.text}
        case Document():
            return {"type": "text", "text": part.marked}
        case _:
            return {"type": "text", "text": ""}


def _data_uri(data: Blob) -> str:
    """The picture as llama.cpp takes it, which would decode whatever size it claims."""
    try:
        picture = look_at(data)
    except NoPictureError as error:
        fail(Code.BAD_REQUEST, f"an image is none: {error}", f"send {FORMATS}")
    if picture.width * picture.height > MOST_PIXELS:
        message = f"an image has {picture.width} x {picture.height} pixels, over {MOST_PIXELS}"
        fail(Code.BAD_REQUEST, message, "make it smaller")
    if picture.media_type == "image/webp":
        fail(Code.UNSUPPORTED, "llama.cpp cannot read WebP images", "send PNG or JPEG")
    return f"data:{picture.media_type};base64,{base64.b64encode(data).decode('ascii')}"


def _call(part: ToolCall) -> dict[str, Any]:
    try:
        whole = isinstance(json.loads(part.arguments or "{}"), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        fail(
            Code.BAD_REQUEST,
            f"the arguments of the call {part.id!r} of {part.name} are no JSON object",
            "they may have been cut off: leave the turn out, or ask with a larger max_tokens",
        )
    function = {"name": part.name, "arguments": part.arguments or "{}"}
    return {"id": part.id, "type": "function", "function": function}


def _result(part: ToolResult, blobs: Sequence[Blob]) -> dict[str, Any]:
    said = [Text(part.content)] if isinstance(part.content, str) else part.content
    told = [Text("Error: "), *said] if part.is_error else said
    return {"role": "tool", "tool_call_id": part.id, "content": _content(told, blobs)}
