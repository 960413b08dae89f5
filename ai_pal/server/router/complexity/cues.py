"""Words that tell what kind of work a prompt asks for, in several languages: the groups of cues.toml."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ai_pal.server.router.complexity.reading import fold

_HEAD = 3  # so many letters find the stems that a word may begin with
_PHRASES = "zh"


class Lexicon(NamedTuple):
    """Words and stems with the number of their group."""

    names: tuple[str, ...]
    words: dict[str, int]
    stems: dict[str, list[tuple[str, int]]]
    phrases: dict[str, int]
    phrase: re.Pattern[str]

    def group(self, word: str) -> int | None:
        """The group of a folded word."""
        exact = self.words.get(word)
        if exact is None:
            for stem, group in self.stems.get(word[:_HEAD], ()):
                if word.startswith(stem):
                    return group
        return exact


def lexicon(groups: dict[str, dict[str, str]]) -> Lexicon:
    """Groups of words by language, ready for look-up. Of a word in several groups the first counts."""
    words: dict[str, int] = {}
    stems: dict[str, list[tuple[str, int]]] = {}
    phrases: dict[str, int] = {}
    for number, languages in enumerate(groups.values()):
        for language, entries in languages.items():
            for entry in fold(entries).split():
                if language == _PHRASES:
                    phrases.setdefault(entry, number)
                elif entry.endswith("-"):
                    stems.setdefault(entry[:_HEAD], []).append((entry[:-1], number))
                else:
                    words.setdefault(entry, number)
    return Lexicon(tuple(groups), words, stems, phrases, re.compile("|".join(sorted(phrases, key=len)[::-1])))


@cache
def load() -> Lexicon:
    """The groups that are shipped with the package."""
    return lexicon(
        tomllib.loads(files("ai_pal.server.router.complexity").joinpath("cues.toml").read_text("utf-8"))
    )


def found(words: Sequence[str], chinese: str) -> list[int]:
    """The group of each cue, in the order of the text; `words` are folded."""
    cues = load()
    groups = [group for word in words if (group := cues.group(word)) is not None]
    if chinese:
        groups += [cues.phrases[phrase] for phrase in cues.phrase.findall(chinese)]
    return groups
