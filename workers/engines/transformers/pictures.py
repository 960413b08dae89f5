"""From the bytes of an attachment to a picture: its size is looked at before anything of it is decoded."""

import io
import warnings
from typing import Any

from ai_pal.errors import Code, fail
from workers.engines.base import Blob

MOST_PIXELS = 50_000_000
"""A larger picture is a mistake, or meant to fill the memory: decoded, each pixel takes three bytes."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def decode(data: Blob) -> Any:
    """The picture, upright and in colours. Raises `AiPalError` (`bad_request`)."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(*picture.size)
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        fail(Code.BAD_REQUEST, f"a picture is too large: {error}", "make it smaller")
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError) as error:
        fail(
            Code.BAD_REQUEST,
            f"a picture cannot be read: {error or type(error).__name__}",
            "use a PNG or JPEG file",
        )


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        fail(
            Code.BAD_REQUEST,
            f"a picture has {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million",
            "make it smaller",
        )
