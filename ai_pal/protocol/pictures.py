"""What the first bytes of a picture say: its format and its size in pixels, without decoding it. Pure."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

MOST_PIXELS = 178_956_970
"""What Pillow takes more than this for is a decompression bomb, and it refuses it."""

FORMATS = "PNG, JPEG, GIF, WebP and BMP"

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG behind which the size stands."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length."""
_BASE64 = (b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR", b"data:image/")


class Picture(NamedTuple):
    """A format as a media type, and pixels."""

    media_type: str
    width: int
    height: int


class NoPictureError(ValueError):
    """These bytes are no picture of a format that is known here; the text says why."""


def look_at(data: bytes | bytearray | memoryview) -> Picture:
    """Raises `NoPictureError`."""
    view = memoryview(data)
    head = bytes(view[:64])
    try:
        picture = _found(view, head)
    except (struct.error, IndexError):
        raise NoPictureError("its beginning is cut off") from None
    if picture is None:
        if head.startswith(_BASE64):
            raise NoPictureError("it is base64 text; send the bytes that it stands for")
        raise NoPictureError(f"it is none of {FORMATS}" if head else "it has no bytes")
    if picture.width < 1 or picture.height < 1:
        raise NoPictureError("it has no pixels")
    return picture


def _found(view: memoryview, head: bytes) -> Picture | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        if head[12:16] != b"IHDR":
            raise NoPictureError("it begins as a PNG and has no header of one")
        return Picture("image/png", *struct.unpack_from(">II", head, 16))
    if head.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg_size(view))
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Picture("image/gif", *struct.unpack_from("<HH", head, 6))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Picture("image/webp", *_webp_size(head))
    if head.startswith(b"BM"):
        return Picture("image/bmp", *_bmp_size(head))
    return None


def _jpeg_size(view: memoryview) -> tuple[int, int]:
    for marker, at in _jpeg_markers(view):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", view, at + 3)
            return width, height
    raise NoPictureError("it begins as a JPEG and tells no size")


def _jpeg_markers(view: memoryview) -> Iterator[tuple[int, int]]:
    """Each marker, and where what belongs to it begins, up to the picture itself."""
    at = 2
    while True:
        if view[at] != 0xFF:
            raise NoPictureError("it begins as a JPEG and is broken")
        marker = view[at + 1]
        if marker == 0xFF:  # filled up
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in (0xD9, 0xDA):
            return
        else:
            yield marker, at + 2
            (length,) = struct.unpack_from(">H", view, at + 2)
            if length < 2:
                raise NoPictureError("it begins as a JPEG and is broken")
            at += 2 + length


def _webp_size(head: bytes) -> tuple[int, int]:
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8 " if head[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if head[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", head, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise NoPictureError("it begins as a WebP and is broken")


def _bmp_size(head: bytes) -> tuple[int, int]:
    (header,) = struct.unpack_from("<I", head, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", head, 18)
        return width, height
    width, height = struct.unpack_from("<ii", head, 18)
    return width, abs(height)  # below 0 it is written from the top
