"""Who is due when. To put off costs nothing: who was put off is asked anew at the old time."""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 1.0
"""Seconds by which they are asked early whether they were put off: many at once, and not each at its time."""


class Agenda(Generic[T]):
    """`due_at` says when one is due by now, None for never. Whose time has come earlier than it was before
    has to be `put` in again."""

    def __init__(self, due_at: Callable[[T], float | None]) -> None:
        self._due_at = due_at
        self._heap: list[tuple[float, int, T]] = []
        self._asked_at: dict[T, float] = {}
        self._order = itertools.count()

    def put(self, one: T) -> None:
        """It is due when `due_at` says."""
        due = self._due_at(one)
        if due is not None:
            self._ask_at(one, due)

    def drop(self, one: T) -> None:
        """It is never due any more."""
        self._asked_at.pop(one, None)

    def due(self, now: float) -> list[T]:
        """Those whose time has come; each has to be put in again."""
        asked: list[T] = []
        while self._heap and self._heap[0][0] <= now + AHEAD:
            when, _, one = heapq.heappop(self._heap)
            if self._asked_at.get(one) == when:
                del self._asked_at[one]
                asked.append(one)
        found: list[T] = []
        for one in asked:
            due = self._due_at(one)
            if due is not None and due > now:
                self._ask_at(one, due)
            elif due is not None:
                found.append(one)
        return found

    @property
    def next(self) -> float | None:
        """When somebody has to be asked."""
        while self._heap and self._asked_at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _ask_at(self, one: T, due: float) -> None:
        if due < self._asked_at.get(one, math.inf):
            self._asked_at[one] = due
            heapq.heappush(self._heap, (due, next(self._order), one))
