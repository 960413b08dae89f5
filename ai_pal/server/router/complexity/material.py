"""A question about a text that comes with it: the text is matter and no task, and only its length counts."""

import re
from math import sqrt

from ai_pal.server.router.complexity import cues
from ai_pal.server.router.complexity.reading import CODE_LINE, Reading, bounded, read

LEAST = 300  # letters of material
_MOST_ASKED = 400
_WEIGHT = 7.0  # 300 letters of material count as 121 of a question, 6,000 as 542
_PROSE = 60  # letters for each number, at least
_BLOCK = re.compile(r"\n+|(?=\b(?:question|frage|pregunta|domanda)\s*:)|(?=问题[：:])", re.IGNORECASE)  # noqa: RUF001
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
_ASKS = re.compile(r"[?？:：]\s*$|[?？]")  # noqa: RUF001
_MAKES = frozenset({"proof", "design", "build", "analysis"})


def read_prompt(prompt: str) -> Reading:
    """Take a prompt apart: of a question about a text the question, and the text as so many letters more."""
    whole = read(prompt)
    asked = "" if whole.options else _asked(bounded(prompt))
    if not asked:
        return whole
    return read(asked)._replace(whole=round(len(asked) + _WEIGHT * sqrt(len(prompt) - len(asked))))


def _asked(text: str) -> str:
    """The first and the last block of a text, where they ask and what is between them is material; else "".
    Whoever asks for something to be made says in the rest what it shall be: that is no material."""
    if len(text) < LEAST:
        return ""
    blocks = [block.strip() for block in _BLOCK.split(text) if block.strip()]
    if len(blocks) < 2:
        return ""
    ends = [block for block in (blocks[0], blocks[-1]) if len(block) <= _MOST_ASKED and _ASKS.search(block)]
    asked = "\n".join(dict.fromkeys(ends))
    if not asked or len(text) - len(asked) < LEAST or _ITEM.search(text) or CODE_LINE.search(text):
        return ""
    reading = read(asked)
    if len(read(text).numbers) * _PROSE > len(text):  # a table is worked with, not read
        return ""
    groups = cues.load().names
    found = {groups[group] for group in cues.found(reading.told, reading.chinese)}
    return "" if _MAKES & found else asked
