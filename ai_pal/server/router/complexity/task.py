"""What a prompt asks for: the first cue is most often its verb; and how much it says beside quotations."""

import re
from math import log

from ai_pal.server.router.complexity import cues
from ai_pal.server.router.complexity.reading import CHINESE_WEIGHT, Reading

EASY = ("edit", "greeting", "lookup", "calculation")
MIDDLE = ("code", "explain", "write", "advice")
DEMANDING = ("proof", "design", "build", "analysis")
_VERBS = DEMANDING + MIDDLE + EASY
NAMES = (
    *(f"begins with {name}" for name in _VERBS),
    "begins with none",
    "length beside quotations",
    "length before a colon",
    "easy task",
    "middling task",
    "demanding task",
    "length of an easy task",
    "length of a middling task",
    "length of a demanding task",
    "names in a lookup",
)
# A quotation holds no second opening mark: a text of opening marks would be read again from each of them.
_QUOTED = re.compile(
    r"\"[^\"]*\"|“[^“”]*”|«[^«»]*»|„[^„“”]*[“”]|《[^《》]*》|```.*?(?:```|\Z)",
    re.DOTALL,
)
_NAME = re.compile(r"(?<=\w[ ,'])(?:[A-Z][\w-]+|\d{3,4}\b)")  # not at the beginning of a sentence
_GERMAN = re.compile(
    r"\b(?:der|die|das|dem|den|ist|wie|wer|wann|welche\w*)\b"
)  # there each noun looks like one
_MOST_NAMES = 4
_COLON = re.compile(r"[:：]\s*\S")  # noqa: RUF001
_TYPICAL = 4.0  # logarithm of the length of a short sentence


def features(r: Reading, found: list[int]) -> list[float]:
    """The values, in the order of NAMES; `found` are the groups of the cues in the order of the text."""
    groups = cues.load().names
    verbs = [groups[group] for group in found if groups[group] in _VERBS]
    first = verbs[0] if verbs else ""
    beside = _QUOTED.sub("", r.question)
    colon = _COLON.search(beside)
    length = _log_length(beside)
    demanding = any(verb in DEMANDING for verb in verbs)
    kinds = [not demanding and first in EASY, not demanding and first in MIDDLE, demanding]
    return [
        *(float(first == name) for name in _VERBS),
        float(not verbs),
        length,
        _log_length(beside[: colon.start()]) if colon else length,
        *(float(kind) for kind in kinds),
        *((length - _TYPICAL) * kind for kind in kinds),
        _names(beside) if first == "lookup" else 0.0,
    ]


def _names(question: str) -> float:
    """How many named things beyond the first."""
    if _GERMAN.search(question.lower()):
        return 0.0
    return float(min(_MOST_NAMES, max(0, len(_NAME.findall(question)) - 1)))


def _log_length(text: str) -> float:
    chinese = 0 if text.isascii() else sum("\u3400" <= letter <= "\u9fff" for letter in text)
    return log(len(text) + (CHINESE_WEIGHT - 1) * chinese + 20)
