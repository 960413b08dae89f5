"""Whether a turn goes on with the conversation: 'and why?' does, 'thanks' and a new question do not."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from ai_pal.server.router.complexity import cues
from ai_pal.server.router.complexity.reading import bounded, fold

NEW_TOPIC = 3  # so many words of its own make a turn independent of what came before
SHORT = 12  # a turn of so few words that holds a greeting is one
_WORD = re.compile(r"[a-z]{3,}|[^\W\d_a-z]")
_GREETING = "greeting"


@cache
def _going_on() -> cues.Lexicon:
    text = files("ai_pal.server.router.complexity").joinpath("followups.toml").read_text("utf-8")
    return cues.lexicon({"follow-up": tomllib.loads(text)})


def dependence(turn: str, earlier: list[str]) -> float:
    """How much a turn leans on those before it: 1 for 'and why?', 0 for a new question or a 'thank you'."""
    own = _words(turn)
    if is_greeting(turn):
        return 0.0
    known: set[str] = set().union(*map(_words, earlier))
    lexicon = _going_on()
    new = [word for word in own - known if lexicon.group(word) is None and word not in lexicon.phrases]
    return max(0.0, 1 - len(new) / NEW_TOPIC)


def is_greeting(turn: str) -> bool:
    """Whether a short turn greets, thanks or parts."""
    folded = fold(bounded(turn))
    words = folded.split()
    if len(words) > SHORT:
        return False
    return cues.load().names.index(_GREETING) in cues.found(re.findall(r"\w+", folded), folded)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(fold(bounded(text))))
