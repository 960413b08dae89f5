"""How large a picture is, out of its header: not a pixel is decoded. Pure."""

from collections.abc import Callable

Size = tuple[int, int]

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def size_of(data: bytes, media_type: str) -> Size | None:
    """Width and height in pixels; None where the header is none."""
    try:
        size = _READERS[media_type](data)
    except (IndexError, ValueError):
        return None
    return size if size is not None and min(size) > 0 else None


def _png(data: bytes) -> Size | None:
    return (_big(data, 16, 4), _big(data, 20, 4)) if data[12:16] == b"IHDR" else None


def _gif(data: bytes) -> Size:
    return _little(data, 6, 2), _little(data, 8, 2)


def _bmp(data: bytes) -> Size:
    if _little(data, 14, 4) == 12:  # as OS/2 has it
        return _little(data, 18, 2), _little(data, 20, 2)
    height = _little(data, 22, 4)
    return _little(data, 18, 4), (1 << 32) - height if height >> 31 else height


def _webp(data: bytes) -> Size | None:
    form = data[12:16]
    if form == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if form == b"VP8L" and data[20] == 0x2F:
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    return None


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in _START_OF_FRAME:
            return _big(data, at + 7, 2), _big(data, at + 5, 2)
        else:
            length = _big(data, at + 2, 2)
            if length < 2:
                return None
            at += 2 + length
    return None


def _big(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(_piece(data, at, length), "big")


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(_piece(data, at, length), "little")


def _piece(data: bytes, at: int, length: int) -> bytes:
    piece = data[at : at + length]
    if len(piece) < length:
        raise IndexError(at)
    return piece


_READERS: dict[str, Callable[[bytes], Size | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/bmp": _bmp,
}
