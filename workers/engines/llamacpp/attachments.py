"""Pictures and sounds as llama.cpp's server takes them, and how many tokens they are to a model."""

import base64
import hashlib
import io
import os
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ai_pal.errors import Code, fail
from ai_pal.protocol import pictures, sounds
from ai_pal.protocol.content import Audio, Image
from workers.engines.base import Blob, bytes_of
from workers.engines.unix_http import RefusedError

Attachment = Image | Audio
Told = dict[str, Any]

HANDLES = Path("/proc/self/fd")
"""Where llama.cpp finds the pictures that are held in memory for it: nothing is encoded and decoded again."""
REMEMBERED = 512


class Attachments:
    """The attachments of one request, for as long as it runs. A context manager, for one thread."""

    def __init__(self, blobs: Sequence[Blob]) -> None:
        self._blobs = blobs
        self.are_told = False
        """Whether the prompt has any."""
        self._handles: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles.values():
            os.close(handle)

    def bytes_of(self, part: Attachment) -> Blob:
        return bytes_of(part, self._blobs)

    def told(self, part: Attachment) -> Told:
        """What llama.cpp is told. Raises `AiPalError`: `image_invalid`, `image_too_large`, `bad_request`,
        `unsupported`."""
        self.are_told = True
        data = self.bytes_of(part)
        if isinstance(part, Audio):
            if sounds.format_of(data) is None:
                fail(Code.BAD_REQUEST, "a sound is none that llama.cpp can read", f"send {sounds.FORMATS}")
            # It goes by the bytes, and takes these two names only.
            return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": "wav"}}
        _check(data)
        return {"type": "image_url", "image_url": {"url": self._address(part, data)}}

    def in_base64(self, messages: Sequence[Told]) -> list[str]:
        """What messages were told of, in their order."""
        lists = (one["content"] for one in messages if isinstance(one["content"], list))
        return [self._in_base64(part) for parts in lists for part in parts if part["type"] != "text"]

    def _in_base64(self, told: Told) -> str:
        if told["type"] == "input_audio":
            return str(told["input_audio"]["data"])
        kind, _, address = told["image_url"]["url"].partition(":")
        if kind == "data":
            return str(address.partition(",")[2])
        handle = int(address.removeprefix("//"))
        return _base64(os.pread(handle, os.fstat(handle).st_size, 0))

    def _address(self, part: Image, data: Blob) -> str:
        if not part.frame or not can_hold():
            return f"data:image/png;base64,{_base64(data)}"  # it goes by the bytes
        if part.frame not in self._handles:
            handle = self._handles[part.frame] = os.memfd_create("picture")
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
        return f"file://{self._handles[part.frame]}"


class AttachmentTokens:
    """Counts the tokens of pictures and sounds, each content once. Thread-safe."""

    def __init__(self, count: Callable[[Told], int]) -> None:
        """`count` is asked for the tokens of a message with this attachment, beyond those of one without."""
        self._count = count
        self._known: dict[bytes, int] = {}

    def of(self, part: Attachment, attachments: Attachments) -> int:
        """Raises `AiPalError`: `image_invalid`, `bad_request` for one that llama.cpp cannot read."""
        told = attachments.told(part)
        digest = hashlib.blake2b(attachments.bytes_of(part), digest_size=16).digest()
        if (known := self._known.get(digest)) is not None:
            return known
        try:
            tokens = self._count(told)
        except RefusedError as error:
            reason = str(error.error.get("message", error))
            if isinstance(part, Audio):
                fail(Code.BAD_REQUEST, f"llama.cpp cannot read a sound: {reason}", "save it anew as WAV")
            fail(Code.IMAGE_INVALID, f"llama.cpp cannot read a picture: {reason}", "save it anew as PNG")
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[digest] = tokens
        return tokens


def trial(sense: str) -> Told:
    """A small grey picture ("vision"), or half a second of silence ("audio")."""
    if sense == "vision":
        grey = b"P5 64 64 255\n" + b"\x80" * 64 * 64
        return {"type": "image_url", "image_url": {"url": f"data:image/x-portable;base64,{_base64(grey)}"}}
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setparams((1, 2, 16_000, 8_000, "NONE", ""))
        sound.writeframes(bytes(16_000))
    return {"type": "input_audio", "input_audio": {"data": _base64(written.getvalue()), "format": "wav"}}


def can_hold() -> bool:
    """Whether pictures can be handed over by a handle."""
    return hasattr(os, "memfd_create") and HANDLES.is_dir()


def _check(data: Blob) -> None:
    """llama.cpp would decode whatever size a picture claims."""
    try:
        picture = pictures.look_at(data)
    except pictures.NoPictureError as error:
        fail(Code.IMAGE_INVALID, f"a picture is none: {error}", f"send {pictures.FORMATS}")
    if picture.width * picture.height > pictures.MOST_PIXELS:
        message = f"a picture has {picture.width} x {picture.height} pixels, over {pictures.MOST_PIXELS}"
        fail(Code.IMAGE_TOO_LARGE, message, "make it smaller")
    if picture.media_type == "image/webp":
        fail(Code.UNSUPPORTED, "llama.cpp cannot read WebP images", "send PNG or JPEG")


def _base64(data: Blob) -> str:
    return base64.b64encode(data).decode("ascii")
