"""Whether a text says the same over and over. Pure."""

import re
from collections import Counter

TAIL = 4000
"""Characters at the end in which a loop is looked for that the answer never left."""
FEWEST_TIMES = 4
SHORTEST_UNIT, SHORTEST_LOOP = 2, 80
"""Characters of what is repeated, and of all repetitions together."""
LINE = 12
"""Characters from which on a line says something of its own."""
SAME_LINES = 5
SAME_SHARE = 0.5


def loops(text: str) -> bool:
    """It ends in a loop, or most of its lines or sentences are the same one."""
    prose = _CODE.sub("", text)
    return _ends_in_loop(prose) or _is_mostly_one(_lines(prose)) or _is_mostly_one(_sentences(prose))


def _ends_in_loop(text: str) -> bool:
    """The last characters have a period, which holds words."""
    tail = _DIGITS.sub("0", text[-TAIL:].strip())
    tail = tail.rstrip("… .")
    length = len(tail)
    for unit in _periods(tail):
        same = unit
        while same < length and tail[length - 1 - same] == tail[length - 1 - same + unit]:
            same += 1
        if same >= max(FEWEST_TIMES * unit, SHORTEST_LOOP) and _says_something(tail[length - unit :]):
            return True
    return False


def _periods(tail: str) -> list[int]:
    """How long what is repeated can be: the distances at which the last characters come once more."""
    last = tail[-16:]
    found: list[int] = []
    at = tail.rfind(last, 0, len(tail) - 1)
    while at >= 0 and len(found) < 64:
        found.append(len(tail) - len(last) - at)
        at = tail.rfind(last, 0, at + len(last) - 1)
    return [one for one in found if one >= SHORTEST_UNIT]


def _is_mostly_one(said: list[str]) -> bool:
    counted = Counter(said).most_common(1)
    return bool(counted) and counted[0][1] >= max(SAME_LINES, SAME_SHARE * len(said))


def _lines(text: str) -> list[str]:
    lines = (_MARK.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if len(line) >= LINE and _says_something(line) and "|" not in line]


def _sentences(text: str) -> list[str]:
    parts = (part.strip() for part in _SENTENCE.split(text))
    return [part for part in parts if len(part) >= LINE and _says_something(part)]


def _says_something(text: str) -> bool:
    return any(one.isalpha() for one in text)


_CODE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_DIGITS = re.compile(r"\d+")
_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*|\n+")  # noqa: RUF001
