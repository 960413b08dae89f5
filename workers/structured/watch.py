"""Watches that an engine holds an answer to its grammar, where it could fall silent about not doing so."""

from functools import lru_cache
from typing import Any

REMEMBERED = 64


class Watch:
    """Of one answer to a grammar in llguidance's Lark. Blanks before it do not count."""

    def __init__(self, lark: str) -> None:
        self._matcher = _compiled(lark).deep_copy()
        self._begun = False

    def take(self, text: str) -> bool:
        """Whether the grammar allows what has come so far."""
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        data = list(text.encode("utf-8", "surrogatepass"))
        return bool(self._matcher.try_consume_tokens(data) == len(data) or self._lost)

    @property
    def complete(self) -> bool:
        """Whether the answer may end here."""
        return bool(self._matcher.is_accepting()) or self._lost

    @property
    def _lost(self) -> bool:
        """It cannot follow the grammar any further, which says nothing about the answer."""
        return bool(self._matcher.is_error())


@lru_cache(maxsize=1)
def _bytes() -> Any:
    """A vocabulary of bytes: which tokens an answer comes in is not looked at."""
    import llguidance

    return llguidance.LLTokenizer("byte")


@lru_cache(maxsize=REMEMBERED)
def _compiled(lark: str) -> Any:
    import llguidance

    return llguidance.LLMatcher(_bytes(), llguidance.LLMatcher.grammar_from_lark(lark), log_level=0)
