"""Pictures, sounds and files that come within a request as `data:` URLs or base64. Pure."""

import string
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from ai_pal.attachments.reading import from_bytes
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import Image

MOST_ESCAPES = 500_000
"""Of the bytes of a URL: to read them takes 400 ns each."""

STEP = 4 * 1024 * 1024
"""Characters of base64 that are read in one go, in which no other thread goes on."""

_ALPHABET = bytes.maketrans(b"-_", b"+/")

ELSEWHERE = "this server fetches nothing: send the bytes themselves, as a data: URL"


def data_of(url: str, where: str) -> tuple[str, bytes]:
    """Media type and bytes of a `data:` URL (RFC 2397). Raises `BodyError` for all other URLs."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() != "data":
        if scheme.lower() in ("http", "https"):
            raise BodyError(f"{scheme}: URLs are not fetched", where, ELSEWHERE)
        raise BodyError("this is no data: URL", where)
    kind, comma, data = rest.partition(",")
    if not comma:
        raise BodyError("this data: URL has no data", where)
    media_type, *parameters = kind.split(";")
    if "base64" in (one.strip().lower() for one in parameters):
        return media_type.strip().lower() or "text/plain", unpacked(data, where)
    if data.count("%") > MOST_ESCAPES:
        raise BodyError(f"more than {MOST_ESCAPES:,} bytes of this are escaped", where, "send it as base64")
    return media_type.strip().lower() or "text/plain", unquote_to_bytes(data)


def unpacked(data: str, where: str) -> bytes:
    """The bytes of base64, with or without padding, in either alphabet. Raises `BodyError`."""
    try:
        text = data.encode("ascii").translate(_ALPHABET, string.whitespace.encode())
        if (end := text.find(b"=")) >= 0 and text[end:].strip(b"="):
            raise ValueError("there is more behind its end")
        text += b"=" * (-len(text) % 4)
        return b"".join(b64decode(text[at : at + STEP], validate=True) for at in range(0, len(text), STEP))
    except ValueError:
        raise BodyError("this is no base64", where) from None


def picture_of(data: bytes, where: str) -> Image:
    """These bytes as a picture. Raises `AiPalError`: they are none."""
    part = from_bytes(data, "the picture").part
    if not isinstance(part, Image):
        raise BodyError("this is no picture", where, "send PNG, JPEG, GIF or WebP")
    return part
