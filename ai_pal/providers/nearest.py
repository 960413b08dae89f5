"""Which of a provider's models are nearest to one that it does not have, or no longer: the same name written
otherwise, then what has come after it, then its family, the newest first. Pure."""

import difflib
import re
from collections.abc import Collection, Sequence

ALIKE, FAMILY, REMOTE = 0.85, 0.5, 0.4
"""How much two names have in common: a slip of the pen, one family, at all."""

_DATE = 1000
"""Numbers from here on are dates, no versions."""


def nearest(name: str, names: Collection[str], heirs: Sequence[str] = (), limit: int = 4) -> list[str]:
    """At most `limit` of `names`; `heirs` are those known to have followed `name`, the best first."""
    known = sorted(names)
    family = [(_kinship(name, other), _version(other), other) for other in known]
    near = sorted([one for one in family if one[0] >= FAMILY], key=lambda one: one[:2], reverse=True)
    found = [
        *difflib.get_close_matches(name, known, limit, cutoff=ALIKE),
        *(heir for heir in heirs if heir in names),
        *(other for _, _, other in near),
        *difflib.get_close_matches(name, known, limit, cutoff=REMOTE),
    ]
    return list(dict.fromkeys(found))[:limit]


def _kinship(one: str, other: str) -> float:
    """The share of words that both names have."""
    words, others = _words(one), _words(other)
    return len(words & others) / max(1, len(words | others))


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def _version(name: str) -> tuple[int, ...]:
    return tuple(number for number in map(int, re.findall(r"\d{1,9}", name)) if number < _DATE)
