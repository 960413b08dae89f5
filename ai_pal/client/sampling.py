"""How an answer is to be sampled: keywords, the same on every face, and the options that come of them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.option_rules import objection_to_types, objection_to_value
from ai_pal.protocol.options import GenerationOptions

T = TypeVar("T")


class Sampling(TypedDict, total=False):
    """How to answer; what is left out, or None, is up to the model. `system` is put before the prompt,
    `deadline` is in seconds for the whole answer, `extra` goes to the engine as it is. `options` holds
    sampling in one value; a field that is given there and as a keyword is a `TypeError`."""

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    system: str | None
    deadline: float | None
    extra: dict[str, Any] | None
    options: GenerationOptions | None


_NAMES = ", ".join(Sampling.__annotations__)
_HINT = f"options are: {_NAMES}; a prompt is a text, or messages with role and content"

FIELDS = frozenset({"max_tokens", "temperature", "top_p", "stop", "seed", "extra"})
OPTION_FIELDS = frozenset(GenerationOptions.__struct_fields__) - {"extra"}


def options_of(how: Mapping[str, Any]) -> GenerationOptions:
    """The options of these keywords. Raises `AiPalError` (`bad_request`) for values that cannot be, and
    `TypeError` for a field that is given twice, and for options that are none."""
    whole: GenerationOptions | None = how.get("options")
    if not isinstance(whole, GenerationOptions | None):  # a misspelt name in a dict would say nothing
        raise TypeError(
            f"options takes GenerationOptions(...), not {type(whole).__name__}: "
            "options=GenerationOptions(max_tokens=20)"
        )
    single = {name: how[name] for name in FIELDS if how.get(name) is not None}
    for name in single:
        if whole is not None and getattr(whole, name) not in (None, [], {}):
            raise TypeError(f"{name} is given twice: as a keyword and in options")
    if "stop" in single:
        single["stop"] = _texts(single["stop"])
    for name, value in single.items():
        _refuse(objection_to_value(name, value))
    if whole is not None:
        _refuse(objection_to_types(whole))
    own = GenerationOptions(**single)
    return in_their_fields(own if whole is None else own.over(whole))


def in_their_fields(options: GenerationOptions) -> GenerationOptions:
    """What `extra` calls by the name of a field is that field. Raises as `options_of`."""
    fields = {name: value for name, value in options.extra.items() if name in OPTION_FIELDS}
    if not fields:
        return options
    for name in fields:
        if getattr(options, name) not in (None, [], {}, ""):
            raise TypeError(f"{name} is given twice: as an option of its own and in extra")
    for name, value in fields.items():
        _refuse(objection_to_value(name, value))
    rest = {name: value for name, value in options.extra.items() if name not in fields}
    given = msgspec.to_builtins(options) | {"extra": rest} | fields
    return converted(given, GenerationOptions)


def _texts(stop: object) -> object:
    """One text is a list of it."""
    return [stop] if isinstance(stop, str) else list(stop) if isinstance(stop, Sequence) else stop


def _refuse(why: str) -> None:
    if why:
        raise AiPalError(Failure(Code.BAD_REQUEST, why, _HINT))


def converted(value: Any, kind: type[T]) -> T:
    """The value as this kind. Raises `AiPalError` (`bad_request`)."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise AiPalError(Failure(Code.BAD_REQUEST, f"this cannot be asked: {error}", _HINT)) from None
