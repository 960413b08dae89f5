"""What the keywords of the Python faces may be: one verdict for each name on every face, that of the protocol
where a request says the same. Pure."""

from collections.abc import Mapping
from typing import Any

from ai_pal.protocol import request_rules
from ai_pal.protocol.value_rules import LONGEST, TRUE_OR_FALSE, YEARS, Rule, number, objection_of, whole

OWN: Mapping[str, tuple[Rule, Any]] = {
    "local_only": (TRUE_OR_FALSE, bool),
    "mine": (TRUE_OR_FALSE, bool),
    "here": (TRUE_OR_FALSE, bool),
    "newer": (TRUE_OR_FALSE, bool),
    "near": (TRUE_OR_FALSE, bool),
    "names": (Rule("a list of names"), list[str]),
    "good": (TRUE_OR_FALSE, bool),
    "answer": (whole("of 1 or more", 1), int),
    "only_if_idle": (TRUE_OR_FALSE, bool),
    "start": (TRUE_OR_FALSE, bool),
    "enable_direct_loading": (TRUE_OR_FALSE, bool),
    "auto_pull": (Rule("true, false or None for the setting"), bool | None),
    "timeout": (number(f"of seconds, 0 or more, {YEARS} years at most", 0, LONGEST), float),
    "rounds": (whole("of 1 or more", 1), int),
    "limit": (whole("of 1 or more", 1), int),
    "words": (Rule("a text"), str),
    "model": (Rule("a name"), str | None),
    "system": (Rule("a text"), str | None),
    "suffix": (Rule("a text"), str | None),
    "query": (Rule("a text"), str),
    "key": (Rule("a text"), str),
    "node": (Rule("a name"), str),
    "undo": (TRUE_OR_FALSE, bool),
    "base_url": (Rule("an address"), str),
}
"""What no request says by the same name, and the type of each."""

SAME: Mapping[str, str] = {"task_type": "task", "optimization_goal": "goal"}
"""Fields of requests that a face calls otherwise."""


def objection_to_keyword(name: str, value: object) -> str:
    """Why this keyword cannot have this value, of whatever type it is, or nothing. The options of an answer
    are judged where they are put together (`sampling`), which reads other forms of them too."""
    if name in OWN:
        rule, kind = OWN[name]
        return objection_of(rule, name, value, kind)
    field = SAME.get(name, name)
    rule_ = request_rules.RULES.get(field)
    if rule_ is None or (value is None and rule_ is not TRUE_OR_FALSE):
        return ""  # of nothing the request says what it is
    why = request_rules.objection_to_field(field, value)
    return f"{name}{why.removeprefix(field)}" if why else ""
