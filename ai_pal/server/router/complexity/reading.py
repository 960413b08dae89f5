"""A prompt taken apart once: its question, the options under it, words, numbers and code. No I/O.

Long prompts are read at their head and tail only, so that the time has a bound."""

import re
from typing import NamedTuple

CHINESE_WEIGHT = 3  # a Chinese character says about as much as three letters
HEAD, TAIL = 4000, 2000  # characters that are read of a long prompt
_ACCENTS = str.maketrans("àáâãäåçèéêëìíîïñòóôõöùúûüýÿāēīōūœß", "aaaaaaceeeeiiiinooooouuuuyyaeioous")
_OPTION = re.compile(r"^\(?[A-P][.):] ", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
CODE_LINE = re.compile(
    r"^[ \t]*(?:(?:def|class|import|from|return|for|while|if|elif|else|try|except|public|private|const|let"
    r"|var|assert|SELECT|#include)\b.*[:;({)]|[\w.\[\]]+ *[-+*/|]?= .*|[\w.]+\(.*\);?|.*[{};])[ \t]*$",
    re.MULTILINE,
)
_CHINESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")


class Reading(NamedTuple):
    """What the features look at. `told` are the words outside of code: names in a program are no tasks.
    `whole` is the length in characters, all that counts of a long text in the middle."""

    text: str
    question: str
    options: list[str]
    option_words: list[str]
    words: list[str]
    told: list[str]
    numbers: list[str]
    chinese: str
    whole: int


def fold(word: str) -> str:
    """Lower case, without the accents of Western European languages."""
    lower = word.lower()
    return lower if lower.isascii() else lower.translate(_ACCENTS)


def bounded(text: str) -> str:
    """The text itself, or the head and the tail of a long one."""
    return text if len(text) <= HEAD + TAIL else text[:HEAD] + "\n" + text[-TAIL:]


def read(prompt: str) -> Reading:
    """Take a prompt apart. Words are folded; Chinese is kept as it is."""
    text = bounded(prompt)
    first = _OPTION.search(text)
    question = text[: first.start()] if first else text
    options = [part.strip() for part in _OPTION.split(text[first.start() :])[1:]] if first else []
    if len(options) < 2:
        question, options = text, []
    chinese = "" if question.isascii() else " ".join(_CHINESE.findall(question))
    words = _WORD.findall(fold(_CHINESE.sub(" ", question) if chinese else question))
    told = _WORD.findall(fold(CODE_LINE.sub("\n", question))) if "\n" in question else words
    offered = _WORD.findall(fold(" ".join(options)))
    return Reading(
        text, question, options, offered, words, told, _NUMBER.findall(question), chinese, len(prompt)
    )
