"""Some forty features of a prompt, each a small number with a name that people can read."""

import re
from collections.abc import Callable
from math import log, log1p

from ai_pal.server.router.complexity import cues, task
from ai_pal.server.router.complexity.reading import CHINESE_WEIGHT, Reading

_SENTENCE = re.compile(r"[.!?](?:\s|$)|[。！？]")  # noqa: RUF001
_CLAUSE = re.compile(r"[,;:，；、：]")  # noqa: RUF001
_OPERATOR = re.compile(r"[=+*/^<>$|%≤≥∈∑∫√→∀∃]|\\[a-z]+")
_CODE = re.compile(
    r"```|^[ \t]*(?:def|class|import|from|return|for|while|if|public|const|let|var|#include|SELECT)\b.*[:;({]"
    r"|\w\(\w*\)|[{};]$|\bassert\b",
    re.MULTILINE,
)
_STATEMENT = re.compile(
    r"\b(?:statement|scenario|case|claim|premise|argument|part|condition|person|event)s? (?:\d|[ivx]+\b)"
    r"|\b(?:ii|iii|iv)\b|\((?:i{1,3}|iv|[a-d1-4])\)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^[ \t]*(?:[-*•]|\d+[.)])\s", re.MULTILINE)

FORM = (
    "length",
    "question length",
    "option length",
    "options",
    "numbers",
    "digits",
    "numeric options",
    "word length",
    "long words",
    "capitals",
    "sentences",
    "clauses",
    "symbols",
    "operators",
    "symbols in options",
    "alike options",
    "options in question",
    "statements",
    "blank to fill",
    "question marks",
    "lines",
    "quotation marks",
    "parentheses",
    "distinct words",
    "code",
    "list items",
)


def names() -> tuple[str, ...]:
    """The names of the features, in their order."""
    return FORM + tuple(f"{name} words" for name in cues.load().names) + task.NAMES


def features(r: Reading) -> list[float]:
    """The values, in the order of `names`."""
    found = cues.found(r.told, r.chinese)
    count = len(r.words) + 1
    unread = 0 if r.options else r.whole - len(r.text)
    chinese = CHINESE_WEIGHT * len(r.chinese)
    offered = "".join(r.options)
    distinct, offers = set(r.words), set(r.option_words)
    return [
        log(r.whole + chinese + 20),
        log(len(r.question) + unread + chinese + 20),
        log(len(offered) / len(r.options) + 5) if r.options else log(20),
        min(1.0, len(r.options) / 4),
        log1p(len(r.numbers)),
        sum(map(len, r.numbers)) / (len(r.question) + 1),
        sum(option[:1].isdigit() for option in r.options) / max(1, len(r.options)),
        sum(map(len, r.words)) / count,
        sum(len(word) > 8 for word in r.words) / count,
        _share(r.question, str.isupper),
        log1p(len(_SENTENCE.findall(r.question))),
        log1p(len(_CLAUSE.findall(r.question))),
        _symbols(r.question),
        log1p(len(_OPERATOR.findall(r.question))),
        _symbols(offered),
        1 - len(offers) / max(1, len(r.option_words)) if offers else 0.0,
        len(offers & distinct) / (len(offers) + 1),
        log1p(len(_STATEMENT.findall(r.question))),
        float("__" in r.question),
        log1p(r.question.count("?") + r.question.count("？")),  # noqa: RUF001
        log1p(r.question.count("\n")),
        log1p(r.question.count('"')),
        log1p(r.question.count("(")),
        len(distinct) / count,
        log1p(len(_CODE.findall(r.question))),
        log1p(len(_ITEM.findall(r.question))),
        *(log1p(found.count(group)) for group in range(len(cues.load().names))),
        *task.features(r, found),
    ]


def _share(text: str, test: Callable[[str], bool]) -> float:
    return sum(map(test, text)) / (len(text) + 1)


def _symbols(text: str) -> float:
    plain = sum(map(str.isalnum, text)) + sum(map(str.isspace, text))
    return (len(text) - plain) / (len(text) + 1)
