"""What each option of an answer may be: one table, so that a value gets one verdict, in the same words, from
every face. It takes what any of the libraries can make something of. Pure."""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from ai_pal.protocol.json_values import objection_to_json, shown
from ai_pal.protocol.options import GenerationOptions

MAX_NESTING = 32
"""Levels of `extra`: what could just be decoded might be too deep to be encoded for the worker."""

MOST_ALTERNATIVES = 1000
"""More of them for each token would be more than a client can read."""

MOST = (1 << 63) - 1
"""Engines hold what counts tokens to the model's window, or to its vocabulary."""


_WHOLE = re.compile(r"-?[0-9]+")


class Rule(NamedTuple):
    """What an option is, for people; whether a value of the right type is one; what a text is read as."""

    meaning: str
    holds: Callable[[Any], bool] = lambda value: True
    kind: type[float | int | str] = str


def _number(meaning: str, low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> Rule:
    def holds(value: float) -> bool:
        return math.isfinite(value) and (low < value if above else low <= value) and value <= high

    return Rule(f"a number {meaning}".strip(), holds, float)


def _whole(meaning: str, low: int, high: int = MOST) -> Rule:
    return Rule(f"a whole number {meaning}", lambda value: low <= value <= high, int)


_TRUE_OR_FALSE = Rule("true or false")

RULES: Mapping[str, Rule] = {
    "temperature": _number("of 0 or more", 0),
    "top_p": _number("from 0 to 1", 0, 1),
    "max_tokens": _whole("of 1 or more", 1),
    "seed": _whole("of 64 bits", -(1 << 63), (1 << 64) - 1),
    "stop": Rule("a list of texts that are not empty", all),
    "top_k": _whole("of 1 or more, or 0 or -1 for all tokens", -1),
    "min_p": _number("from 0 to 1", 0, 1),
    "presence_penalty": _number(""),
    "frequency_penalty": _number(""),
    "repeat_penalty": _number("above 0", 0, above=True),
    "logit_bias": Rule(
        "a map of token ids to numbers",
        lambda bias: all(0 <= token <= MOST and math.isfinite(value) for token, value in bias.items()),
    ),
    "logprobs": _whole(f"from 0 to {MOST_ALTERNATIVES}", 0, MOST_ALTERNATIVES),
    "response_format": Rule("a json_object, json_schema or grammar"),
    "tools": Rule("a list of tools"),
    "tool_choice": Rule("auto, none, required or the name of a tool"),
    "parallel_tool_calls": _TRUE_OR_FALSE,
    "thinking": Rule("off, on, low, medium or high"),
    "thinking_budget": _whole("of tokens, 0 or more", 0),
    "context": _whole("of tokens, 1 or more", 1),
    "prefill": Rule("a text"),
    "stop_repeating": _TRUE_OR_FALSE,
    "extra": Rule("a map of names to values"),
}
"""By the names of the fields of `GenerationOptions`."""


def objection_to_value(name: str, value: object) -> str:
    """Why this option cannot have this value, of whatever type it is, or nothing."""
    if name not in RULES:
        near = nearest(name)
        return f"there is no option {name!r}" + (f"; did you mean {near}?" if near else "")
    if name == "extra" and isinstance(value, dict):
        return _objection_to_extra(value)
    try:
        typed = msgspec.convert(msgspec.to_builtins(value), _types()[name])
    except (msgspec.ValidationError, TypeError, OverflowError, RecursionError) as error:
        _, _, inside = str(error).partition(" - at `$")
        if isinstance(value, list | dict) and inside:  # it says where, which the meaning does not
            return f"{name}{inside.rstrip('`')}: {str(error).partition(' - at ')[0]}"
        return _not_so(name, value)
    if typed is None:
        return ""
    return "" if RULES[name].holds(typed) else _not_so(name, value)


def read_value(name: str, text: str) -> Any:
    """What a text says of this option; the text itself where it says none of its kind."""
    kind = RULES[name].kind
    if kind is int and not _WHOLE.fullmatch(text):
        kind = float  # which a whole number is not: it is refused as what it is
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text


def objection_to_types(options: GenerationOptions) -> str:
    """Why options made in this program cannot be, or nothing: a struct takes whatever it is given."""
    for name in options.__struct_fields__:
        value = getattr(options, name)
        if value is not None and (why := objection_to_value(name, value)):
            return why
    return ""


def objection_to_options(options: GenerationOptions) -> str:
    """Why options of the right types cannot be, or nothing."""
    for name, rule in RULES.items():
        value = getattr(options, name)
        if value is not None and not rule.holds(value):
            return _not_so(name, value)
    for name in options.extra:
        if name in RULES:
            return f"{name} is an option of its own, and not for extra"
    return objection_to_json(options.extra, "extra", MAX_NESTING)


def nearest(name: str) -> str:
    """The option that was probably meant, "" where none is near."""
    import difflib

    return next(iter(difflib.get_close_matches(name, RULES, n=1)), "")


def _objection_to_extra(extra: dict[Any, Any]) -> str:
    """As faces take it: what is called by the name of a field will be that field."""
    for name, value in extra.items():
        if name in RULES and name != "extra" and (why := objection_to_value(name, value)):
            return why
    rest = {name: value for name, value in extra.items() if name not in RULES}
    return objection_to_json(rest, "extra", MAX_NESTING)


def _not_so(name: str, value: object) -> str:
    rule = RULES[name]
    if rule.kind is float and isinstance(value, float) and value.is_integer():
        value = int(value)  # however it was written
    return f"{name} is {rule.meaning}, not {shown(value)}"


@cache
def _types() -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(GenerationOptions)}
