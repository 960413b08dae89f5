"""What steers an answer token by token: how long it may think, and the grammar that holds then. Pure."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec


class Grammar(Protocol):
    """The state of a grammar (`constraint.Constraint`)."""

    @property
    def complete(self) -> bool:
        """Nothing can follow."""

    def forbid(self, logits: Any) -> Any:
        """The logits with those of impossible tokens at minus infinity."""

    def take(self, token: int) -> None:
        """Go past this token."""

    def takes(self, tokens: list[int]) -> bool:
        """Go past all of these, or past none of them."""


class Thought(msgspec.Struct, frozen=True):
    """How thinking begins and ends. `opening` are tokens to begin with where the prompt has not begun it,
    `may_open` that the model decides that; `closing` are the tokens that end it after `budget` of its own."""

    open: str
    close: str
    opening: list[int] = []
    may_open: bool = False
    closing: list[int] = []
    budget: int | None = None


class Guide:
    """One answer. `next_forced` is what must come now; `grammar` holds while it `is_bound`."""

    def __init__(
        self, grammar: Grammar | None, thought: Thought | None, tokens_of: Callable[[str], list[int]]
    ) -> None:
        self.grammar = grammar
        self._thought, self._tokens_of = thought, tokens_of
        self._forced: deque[int] = deque(thought.opening if thought is not None else [])
        self._thinks = thought is not None and not thought.may_open
        self._undecided = thought is not None and thought.may_open
        self._begun = ""
        self._tail = ""
        self._spent = -len(self._forced)
        self._close_if_spent()

    @property
    def is_bound(self) -> bool:
        return self.grammar is not None and not (self._thinks or self._undecided or self._forced)

    @property
    def complete(self) -> bool:
        """The answer has all that its grammar allows."""
        return self.is_bound and self.grammar is not None and self.grammar.complete

    def next_forced(self) -> int | None:
        """The token that has to come next, None where it may be chosen."""
        return self._forced[0] if self._forced else None

    def take(self, token: int, text: str) -> str:
        """`token` is the next one, and `text` what has become readable with it; returns what of it is to be
        told. Raises `ValueError` when the grammar cannot be followed."""
        if self._forced:
            self._forced.popleft()
        elif self.is_bound and self.grammar is not None:
            self.grammar.take(token)
            return text
        if self._undecided:
            self._decide(text)
        return self._think(text) if self._thinks else text

    def _decide(self, text: str) -> None:
        """Whether an answer begins with a thought shows in its first characters."""
        assert self._thought is not None
        self._begun += text
        said, mark = self._begun.lstrip(), self._thought.open.strip()
        if said.startswith(mark):
            self._undecided, self._thinks, self._spent = False, True, -1  # the mark itself is no thought
        elif not mark.startswith(said):
            self._undecided = False

    def _think(self, text: str) -> str:
        assert self._thought is not None
        close = self._thought.close
        self._spent += 1
        _, found, behind = (self._tail + text).partition(close)
        self._tail = (self._tail + text)[-len(close) :]
        if not found:
            self._close_if_spent()
            return text
        self._thinks = False
        if behind.strip() and self.grammar is not None and not self.grammar.takes(self._tokens_of(behind)):
            return text[: len(text) - len(behind)]
        return text

    def _close_if_spent(self) -> None:
        thought = self._thought
        if thought is None or thought.budget is None or not self._thinks or self._forced:
            return
        if self._spent >= thought.budget:
            self._forced.extend(thought.closing)
