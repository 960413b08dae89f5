"""Whether a prompt is a problem to work out: a value is asked for, and the numbers are given.

The words of such a story ('how', 'write', 'plan') are its matter and no task, and say nothing about how hard
it is: over sets that were never learned from, only its length and its clauses did."""

import re

from ai_pal.server.router.complexity import cues
from ai_pal.server.router.complexity.reading import Reading, fold

_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|big|large|heavy|often|high|wide|deep)\b"
    r"|\b(?:wie (?:viel\w*|lange|weit|alt|hoch|oft|gross|schnell)|combien|cuant\w+|quant[oi])\b|多少|几"
)
_VALUE = re.compile(
    r"\b(?:what|which) (?:[\w-]+ ){0,2}?"
    r"(?:is|are|was|were|will|would|does|do|did|must|can|fraction|percent\w*)\b"
    r"|\b(?:find|determine|compute|calculate|evaluate|solve|simplify|express|factor)\b"
    r"|\b(?:berechne\w*|bestimme|ermittle|rechne|lose)\b"
    r"|\b(?:calcul\w*|determin\w*|trouve\w*|resou\w*|quelle? (?:est|sera|etait))\b"
    r"|\b(?:encuentra|halla|resuelve|cual (?:es|sera|era))\b|计算|求|解|等于"
)
_FORMULA = re.compile(r"\$[^$]+\$|\\[a-z]+")
_MATHS = re.compile(r"\\[a-z]+|[=^∑∫√≤≥]|\d\s*[-+*/×÷%]\s*\d")  # noqa: RUF001
_TASKS = frozenset({"edit", "code", "write", "advice", "proof", "design", "build", "analysis"})
_CODE = re.compile(r"```|[{};]$|\w\(\w*\)", re.MULTILINE)
_LONGEST = 3000  # letters: beyond, it is a document with a question


def is_problem(reading: Reading) -> bool:
    """Whether a value is to be worked out of numbers that the prompt gives. Who asks for an amount means it;
    where it is said less plainly ('what is', 'find'), a task of another kind comes first."""
    if reading.options or reading.whole > _LONGEST:
        return False
    groups = [cues.load().names[group] for group in cues.found(reading.told, reading.chinese)]
    given = len(reading.numbers) + groups.count("quantities")
    if given < 2 and not _MATHS.search(reading.question):
        return False
    text = fold(reading.question)
    if _AMOUNT.search(text):
        return "proof" not in groups and not _CODE.search(text)
    other = {"proof"} if _FORMULA.search(text) else _TASKS
    return bool(_VALUE.search(text)) and not other.intersection(groups)
