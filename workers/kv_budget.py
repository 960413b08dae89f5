"""How the requests of one model share its window: first come, first served, nobody aborted. Pure.

With one unified cache a single conversation can use the whole window, but an engine that runs out
of cells ends every answer at once; so cells are promised before they are used.
"""

from collections import deque

STEP = 64
"""Cells an answer gets at a time once it has outgrown its promise; fewer when they are the last."""


class OwnWindows:
    """As `KvBudget`, where each request has a window of so many cells to itself: nobody waits."""

    def __init__(self, size: int) -> None:
        self._size = size

    def admit(self, key: int, need: int) -> bool:
        return True

    def grow(self, key: int, used: int) -> bool:
        return used < self._size

    def leave(self, key: int) -> None:
        """There is nothing to give back."""


class KvBudget:
    """Not thread-safe: the owner holds a lock."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._promised: dict[int, int] = {}
        self._line: deque[int] = deque()

    def admit(self, key: int, need: int) -> bool:
        """Promise `need` cells to `key`; False leaves it waiting in line for another try."""
        if key not in self._line:
            self._line.append(key)
        alone = not self._promised
        if self._line[0] != key or (need > self._free and not alone):
            return False
        self._line.popleft()
        self._promised[key] = need
        return True

    def grow(self, key: int, used: int) -> bool:
        """Whether `key` may go on when it holds `used` cells."""
        if used < self._promised[key]:
            return True
        more = STEP if len(self._promised) == 1 else min(STEP, self._free)
        self._promised[key] += max(more, 0)
        return more > 0

    def promised(self, key: int) -> int:
        """Cells that `key` has; 0 while it waits."""
        return self._promised.get(key, 0)

    def leave(self, key: int) -> None:
        """Give everything back, the place in line too."""
        self._promised.pop(key, None)
        if key in self._line:
            self._line.remove(key)

    @property
    def _free(self) -> int:
        return self._total - sum(self._promised.values())
