"""Bodies of requests: decoded once, into the shape that their protocol publishes. Pure."""

from typing import TypeVar

import msgspec

from ai_pal.errors import AiPalError, Code, Failure

T = TypeVar("T")

PARAM = " - at `$"
"""How msgspec begins the place of what is wrong."""


class BodyError(AiPalError):
    """A body that cannot be read; `param` is the place of what is wrong, as OpenAI writes it."""

    def __init__(self, message: str, param: str | None = None, hint: str = "") -> None:
        super().__init__(Failure(Code.BAD_REQUEST, message, hint))
        self.param = param


def decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as this shape. Raises `BodyError` with the place of what is wrong."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(PARAM)
        raise BodyError(what, place.rstrip("`").lstrip(".") or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyError(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise BodyError("the body is nested too deeply") from None
