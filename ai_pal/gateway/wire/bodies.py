"""Bodies of requests: decoded once, into the shape that their protocol publishes. Pure."""

import re
from typing import Any, TypeVar

import msgspec

from ai_pal.errors import AiPalError, Code, Failure

T = TypeVar("T")

PARAM = re.compile(r" - at (?:`key` in )?`\$")
"""How msgspec begins the place of what is wrong."""

BOM = b"\xef\xbb\xbf"
"""What editors of Windows put before a text that is saved."""

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)",
    re.DOTALL,
)
"""What JSON escapes; a group is half of a pair."""

LARGEST = 2.0**53
"""From here on a float is no longer each whole number."""

_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_FRACTION = re.compile("Expected `int[^`]*`, got `float`")
"""What msgspec says where a whole number has to stand and a fraction does."""

MOST_MENDED = 8 * 1024 * 1024
"""Bytes of a body that is looked through for such halves."""

_WORDS = (
    (re.compile(r"missing required field `(.+)`$"), "missing_required_parameter"),
    (re.compile(r"contains unknown field `(.+)`$"), "unknown_parameter"),
    (re.compile(r"Expected `[^`]*`, got "), "invalid_type"),
    (re.compile(r""), "invalid_value"),
)
"""What msgspec says, and OpenAI's word for it; the field that is missing or unknown is part of the place."""


class BodyError(AiPalError):
    """A body that cannot be read; `param` is the place of what is wrong, as OpenAI writes it, and `word` its
    own word for that, or Anthropic's, where clients look for one."""

    def __init__(self, message: str, param: str | None = None, hint: str = "", word: str = "") -> None:
        super().__init__(Failure(Code.BAD_REQUEST, message, hint))
        self.param, self.word = param, word


def decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as this shape. Raises `BodyError` with the place of what is wrong."""
    try:
        body = body.removeprefix(BOM)
        try:
            return _read(body, decoder)
        except msgspec.ValidationError as error:
            if not _FRACTION.match(str(error)):
                raise
            return msgspec.convert(as_whole(_read(body, _ANY)), decoder.type)
    except msgspec.ValidationError as error:
        raise _at(error, "") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyError(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise BodyError("the body is nested too deeply") from None


def _read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Programs cut texts where they are too long, and JavaScript writes half of a pair as it is: what it was
    nobody can say."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if len(body) > MOST_MENDED:
            raise
        whole = _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)
        if whole == body:
            raise
        return decoder.decode(whole)


def as_whole(value: Any) -> Any:
    """The same with whole numbers as such: JSON does not tell 5 from 5.0, and programs write what their
    language makes of it."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < LARGEST else value
    if isinstance(value, list):
        return [as_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: as_whole(one) for name, one in value.items()}
    return value


def converted(value: object, kind: type[T], where: str) -> T:
    """A part of a body, at the place `where`, as this shape. Raises `BodyError`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _at(error, where) from None


def _at(error: msgspec.ValidationError, where: str) -> BodyError:
    what, place = [*PARAM.split(str(error), maxsplit=1), ""][:2]
    found, word = next((found, word) for pattern, word in _WORDS if (found := pattern.search(what)))
    field = f".{found[1]}" if found.groups() else ""
    place = place.rstrip("`").replace("[...]", "")  # a value of a map, by which name is not told
    return BodyError(what, (where + place + field).lstrip(".") or None, word=word)
