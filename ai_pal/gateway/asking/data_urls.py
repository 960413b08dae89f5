"""Pictures, sounds and files that come within a request as `data:` URLs or base64. Pure."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from ai_pal.attachments.reading import from_bytes
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import Image

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
    return media_type.strip().lower() or "text/plain", unquote_to_bytes(data)


def unpacked(data: str, where: str) -> bytes:
    """The bytes of base64, with or without padding, in either alphabet. Raises `BodyError`."""
    text = "".join(data.split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BodyError("this is no base64", where) from None


def picture_of(data: bytes, where: str) -> Image:
    """These bytes as a picture. Raises `AiPalError`: they are none."""
    part = from_bytes(data, "the picture").part
    if not isinstance(part, Image):
        raise BodyError("this is no picture", where, "send PNG, JPEG, GIF or WebP")
    return part
