"""What one value of a request may be: a rule says it for people and decides it, whatever its type. Pure."""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import msgspec

from ai_pal.protocol.json_values import shown

MOST = (1 << 63) - 1
"""Engines hold what counts tokens to the model's window, or to its vocabulary."""

YEARS = 100
LONGEST = YEARS * 365 * 86400.0
"""Seconds; what is meant to be longer is meant to be never."""

_WHOLE = r"-?[0-9]+"


class Rule(NamedTuple):
    """What a value is, for people; whether one of the right type is one; what a text is read as."""

    meaning: str
    holds: Callable[[Any], bool] = lambda value: True
    kind: type[float | int | str] = str


def number(meaning: str, low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> Rule:
    """A finite number within these bounds, or `above` the lower one."""

    def holds(value: float) -> bool:
        return math.isfinite(value) and (low < value if above else low <= value) and value <= high

    return Rule(f"a number {meaning}".strip(), holds, float)


def whole(meaning: str, low: int, high: int = MOST) -> Rule:
    """A whole number within these bounds."""
    return Rule(f"a whole number {meaning}", lambda value: low <= value <= high, int)


TRUE_OR_FALSE = Rule("true or false")


def objection_of(rule: Rule, name: str, value: object, kind: Any) -> str:
    """Why the value of this name is none of this type and rule, or nothing."""
    if type(value) is kind:
        return "" if rule.holds(value) else not_so(rule, name, value)
    try:
        typed = msgspec.convert(msgspec.to_builtins(value, enc_hook=plain), kind)
    except (msgspec.ValidationError, TypeError, OverflowError, RecursionError) as error:
        _, _, inside = str(error).partition(" - at `$")
        if isinstance(value, list | dict) and inside:  # it says where, which the meaning does not
            return f"{name}{inside.rstrip('`')}: {str(error).partition(' - at ')[0]}"
        return not_so(rule, name, value)
    if typed is None:
        return ""
    return "" if rule.holds(typed) else not_so(rule, name, value)


def plain(value: object) -> int | float | str:
    """The number or text that a value of a type of its own is: numpy's, a subclass. Raises `TypeError`."""
    import numbers  # here: few have any

    match value:
        case str():
            return str.__str__(value)
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value)
    raise TypeError(f"{type(value).__name__} is neither a number nor a text")


def read(rule: Rule, text: str) -> Any:
    """What a text says of such a value; the text itself where it says none of its kind."""
    kind = rule.kind
    if kind is int and not re.fullmatch(_WHOLE, text):
        kind = float  # which a whole number is not: it is refused as what it is
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text


_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_EXPECTED = r"Expected `([^`]*)`((?: of length)?(?: [<>]=? [-+.\w]+)?)(?:, got `([^`]*)`)?"


def in_words(error: msgspec.ValidationError) -> str:
    """What msgspec says of a value that is another, for people who know no Python."""

    def named(types: str) -> str:
        return " or ".join(_TYPES.get(one, one) for one in types.removesuffix(" | null").split(" | "))

    def said(found: re.Match[str]) -> str:
        instead = f", not {named(found[3])}" if found[3] else ""
        return f"{named(found[1])}{found[2]} is wanted{instead}"

    return re.sub(_EXPECTED, said, str(error))


_CHOICE = r"Invalid enum value (.*) - at `\$\.(\w+)`"
_PLACE = r"(.*) - at `\$\.(\w+)`"


def field_in_words(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> str:
    """What is wrong with a field of this kind of struct, its name first; of a choice also what there is."""
    text = in_words(error)
    if found := re.fullmatch(_CHOICE, text):
        choices = {field.name: get_args(field.type) for field in msgspec.structs.fields(kind)}[found[2]]
        return f"{found[2]} is one of {', '.join(str(one) for one in choices if one)}, not {found[1]}"
    return re.sub(_PLACE, r"\2: \1", text)


def not_so(rule: Rule, name: str, value: object) -> str:
    """What the value of this name is, and is not."""
    if rule.kind is float and isinstance(value, float) and value.is_integer():
        value = int(value)  # however it was written
    return f"{name} is {rule.meaning}, not {shown(value)}"
