"""What a request says besides its messages and options: one table, as `option_rules` is one. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.protocol.value_rules import LONGEST, TRUE_OR_FALSE, YEARS, Rule, number, objection_of, read, whole


def _kept(meaning: str) -> Rule:
    def holds(seconds: float) -> bool:
        return seconds == -1 or 0 <= seconds <= LONGEST

    return Rule(meaning, holds, float)


def _one_of(names: tuple[str, ...]) -> Rule:
    return Rule(f"one of {', '.join(filter(None, names))}")


MOST_PRINCIPAL = 128
"""Characters of the name of a principal: it stands in the ledger and on terminals."""

MARK_DIGITS = 32
"""Of the mark of a conversation, which is the name of its folder."""


def _named(name: str) -> bool:
    return len(name) <= MOST_PRINCIPAL and name.isprintable()


def _is_mark(text: str) -> bool:
    return not text or (len(text) == MARK_DIGITS and set(text) <= set("0123456789abcdef"))


_KEEP_ALIVE = _kept(f"a number of seconds from 0 to {YEARS} years, or -1 for never")

RULES: Mapping[str, Rule] = {
    "deadline": number(f"of seconds above 0, {YEARS} years at most", 0, LONGEST, above=True),
    "keep_alive": _KEEP_ALIVE,
    "usual_keep_alive": _KEEP_ALIVE,
    "max_cost": number("of US dollars, 0 or more", 0),
    "day_budget": number("of US dollars, 0 or more", 0),
    "pull_limit": whole("of bytes, 0 or more", 0),
    "dimensions": whole("of 1 or more, or 0 for all", 0),
    "goal": _one_of(get_args(wire.Goal)),
    "task": _one_of(get_args(wire.Task)),
    "escalate": _one_of(get_args(wire.Escalate)),
    "privacy": _one_of(get_args(wire.Privacy)),
    "principal": Rule(f"a name of at most {MOST_PRINCIPAL} characters that can be shown", _named),
    "conversation": Rule(f"{MARK_DIGITS} hexadecimal digits in lower case, or empty", _is_mark),
    "only": Rule("a list of patterns of names"),
    "pull": TRUE_OR_FALSE,
    "fallback": TRUE_OR_FALSE,
    "continuation": TRUE_OR_FALSE,
    "seams": TRUE_OR_FALSE,
    "prompt_logprobs": TRUE_OR_FALSE,
    "truncate": TRUE_OR_FALSE,
}
"""By the names of fields, which mean the same in each request that has them."""


def objection_to_field(name: str, value: object) -> str:
    """Why this field cannot have this value, of whatever type it is, or nothing."""
    return objection_of(RULES[name], name, value, _types()[name])


def read_field(name: str, text: str) -> Any:
    """What a text says of this field; the text itself where it says none of its kind."""
    return read(RULES[name], text)


def objection_to_fields(request: wire.AnyRequest) -> str:
    """Why what a request of the right types says cannot be, or nothing."""
    for name, usual, rule in _known(type(request)):
        value = getattr(request, name)
        if value is not usual and value is not None and not rule.holds(value):
            return objection_to_field(name, value)
    return ""


def objection_to_types(request: wire.AnyRequest) -> str:
    """The same of a request made in this program: a struct takes whatever it is given."""
    for name, usual, _ in _known(type(request)):
        value = getattr(request, name)
        if value is not usual and (why := objection_to_field(name, value)):
            return why
    return ""


@cache
def _known(kind: type[wire.AnyRequest]) -> list[tuple[str, object, Rule]]:
    """The fields of this kind of request that have a rule, and what each is where nothing is said of it."""
    fields = msgspec.structs.fields(kind)
    return [(field.name, field.default, RULES[field.name]) for field in fields if field.name in RULES]


@cache
def _types() -> dict[str, Any]:
    kinds = (wire.Chat, wire.Complete, wire.Embed)
    return {field.name: field.type for kind in kinds for field in msgspec.structs.fields(kind)}
