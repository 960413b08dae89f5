"""Bodies of requests: decoded once, into the shape that their protocol publishes. Pure."""

import re
from typing import TypeVar

import msgspec

from ai_pal.errors import AiPalError, Code, Failure

T = TypeVar("T")

PARAM = " - at `$"
"""How msgspec begins the place of what is wrong."""

_WORDS = (
    (re.compile(r"missing required field `(.+)`$"), "missing_required_parameter"),
    (re.compile(r"contains unknown field `(.+)`$"), "unknown_parameter"),
    (re.compile(r"Expected `[^`]*`, got "), "invalid_type"),
    (re.compile(r""), "invalid_value"),
)
"""What msgspec says, and OpenAI's word for it; the field that is missing or unknown is part of the place."""


class BodyError(AiPalError):
    """A body that cannot be read; `param` is the place of what is wrong, as OpenAI writes it, and `word` its
    own word for that, where clients look for one."""

    def __init__(self, message: str, param: str | None = None, hint: str = "", word: str = "") -> None:
        super().__init__(Failure(Code.BAD_REQUEST, message, hint))
        self.param, self.word = param, word


def decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as this shape. Raises `BodyError` with the place of what is wrong."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _at(error, "") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyError(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise BodyError("the body is nested too deeply") from None


def converted(value: object, kind: type[T], where: str) -> T:
    """A part of a body, at the place `where`, as this shape. Raises `BodyError`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _at(error, where) from None


def _at(error: msgspec.ValidationError, where: str) -> BodyError:
    what, _, place = str(error).partition(PARAM)
    found, word = next((found, word) for pattern, word in _WORDS if (found := pattern.search(what)))
    field = f".{found[1]}" if found.groups() else ""
    return BodyError(what, (where + place.rstrip("`") + field).lstrip(".") or None, word=word)
