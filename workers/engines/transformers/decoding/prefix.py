"""Keeps the caches of finished conversations, so that their next turn computes only what is new. Pure."""

from collections.abc import Sequence
from typing import Generic, Protocol, Self, TypeVar

SHORTEST = 8
"""Fewer tokens in common are not worth a copy."""
OWN_SHARE = 0.5
"""From this part of a kept conversation on, the new one is its continuation and takes it over."""


class Row(Protocol):
    """The keys and values of one token sequence."""

    @property
    def tokens(self) -> Sequence[int]:
        """The tokens whose keys and values are held."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    def cut(self, length: int) -> bool:
        """Forget all but the first `length` tokens; False where that is impossible."""

    def fit(self, room: int) -> None:
        """Have room for this many tokens, and no more."""

    def copy(self, length: int) -> Self | None:
        """A row of its own with the first `length` tokens; None where that is impossible."""


AnyRow = TypeVar("AnyRow", bound=Row)


class PrefixCache(Generic[AnyRow]):
    """The least recently used goes first. Rows in here are not in use."""

    def __init__(self) -> None:
        self._rows: list[AnyRow] = []

    @property
    def nbytes(self) -> int:
        return sum(row.nbytes for row in self._rows)

    @property
    def latest(self) -> list[AnyRow]:
        """All rows, the latest first."""
        return self._rows[::-1]

    def keep(self, row: AnyRow) -> None:
        """Keep the row of an answer that has ended, in place of its own earlier turns."""
        if len(row.tokens) >= SHORTEST:
            self._rows = [kept for kept in self._rows if not _starts_with(row.tokens, kept.tokens)]
            self._rows.append(row)

    def shrink(self, limit: int) -> None:
        """Give up rows until at most `limit` bytes are held."""
        while self._rows and self.nbytes > limit:
            self._rows.pop(0)

    def take(self, tokens: Sequence[int], limit: int, busy: Sequence[AnyRow] = ()) -> AnyRow | None:
        """A row that holds a beginning of `tokens` and no more, and is the caller's now.

        At least one token is left to compute: its result is the next token. Rows that are `busy`
        are copied from, never taken. At most `limit` bytes stay kept.
        """
        row, shared = self._best(tokens, busy)
        kept = row is not None and self._remove(row)
        if row is not None and kept and shared < len(row.tokens) * OWN_SHARE:
            self._rows.append(row)
        self.shrink(limit)
        if row is None:
            return None
        if kept and not any(one is row for one in self._rows):
            return row if row.cut(shared) else None
        return row.copy(shared)

    def _best(self, tokens: Sequence[int], busy: Sequence[AnyRow]) -> tuple[AnyRow | None, int]:
        """The row with the longest beginning of `tokens`, and how much of it can be used."""
        scored = [(common(row.tokens, tokens), row) for row in (*self._rows, *busy)]
        shared, row = max(scored, key=lambda one: one[0], default=(0, None))
        shared = min(shared, len(tokens) - 1)
        return (row, shared) if shared >= SHORTEST else (None, 0)

    def _remove(self, row: AnyRow) -> bool:
        """Whether the row was kept here."""
        before = len(self._rows)
        self._rows = [kept for kept in self._rows if kept is not row]
        return len(self._rows) < before


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the longest common beginning."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(index for index in range(shorter) if one[index] != other[index])


def _starts_with(tokens: Sequence[int], beginning: Sequence[int]) -> bool:
    return common(tokens, beginning) == len(beginning)
