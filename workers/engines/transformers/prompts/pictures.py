"""From the bytes of an attachment to a picture: its size is looked at before anything of it is decoded."""

import io
import os
from collections.abc import Callable, Sequence
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Audio, Image, Message
from ai_pal.protocol.pictures import MOST_PIXELS, look_at
from workers.engines.base import Blob
from workers.engines.transformers.prompts.chat import TokenCounter

KNOWN = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
DEEP_GREY = "I;16"


def decode(data: Blob) -> Any:
    """The picture, upright and in colours. Raises `AiPalError` (`image_invalid`, `image_too_large`)."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        size = look_at(data)
        if size.width * size.height > MOST_PIXELS:
            message = f"a picture has {size.width} x {size.height} pixels, over {MOST_PIXELS}"
            fail(Code.IMAGE_TOO_LARGE, message, "make it smaller")
        file: Any = InPlace(data)
        picture: Pillow.Image = Pillow.open(file, formats=KNOWN)
        ImageOps.exif_transpose(picture, in_place=True)
        if picture.mode == DEEP_GREY:  # all but black would become white
            picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError, Pillow.DecompressionBombError) as error:
        why = error or type(error).__name__
        fail(Code.IMAGE_INVALID, f"a picture cannot be read: {why}", "save it anew as PNG or JPEG")


class InPlace(io.RawIOBase):
    """Bytes as a file that is read where they lie: `BytesIO` would copy them."""

    def __init__(self, data: Blob) -> None:
        self._data, self._at = memoryview(data), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        some = self._data[self._at : self._at + len(into)]
        into[: len(some)] = some
        self._at += len(some)
        return len(some)

    def readall(self) -> bytes:
        rest = bytes(self._data[self._at :])
        self._at += len(rest)
        return rest

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._data)}[whence]
        if begin + offset < 0:
            raise ValueError(f"there is nothing before the first byte: {begin + offset}")
        self._at = begin + offset
        return self._at


class PictureCounter:
    """The `Counter` of one request with pictures: `read` says how many tokens a conversation is with them,
    `tokens_of` a picture alone."""

    def __init__(
        self,
        plain: TokenCounter,
        read: Callable[[Sequence[Message]], int],
        tokens_of: Callable[[Image | Audio], int],
    ) -> None:
        self.fixed, self.per_message, self.content = plain.fixed, plain.per_message, plain.content
        self.conversation, self.attachment = read, tokens_of
