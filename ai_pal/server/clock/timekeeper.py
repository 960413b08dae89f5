"""Seconds without those in which the whole process stood still (Ctrl-Z, a debugger, a suspended machine), and
one alarm in them. Pure.

Who is looked at once a second and was not for longer has stood still, and whoever is waited for may have too:
no budget of theirs may run out by that."""

import math

LOOK = 1.0
"""Seconds between two looks while the alarm is set; more than that never counts between two of them."""
HELD_UP = 0.5
"""So many seconds late is a look only when the process stood still."""
EARLY = 0.001
"""Seconds that a timer may be early."""


class Timekeeper:
    """`raw` are monotonic seconds; all others are those that count. `look` has to be called at `next`, which
    is infinity while nothing is set."""

    def __init__(self) -> None:
        self.next = math.inf
        self._due = math.inf
        self._last = -math.inf
        self._lost = 0.0

    def now(self, raw: float) -> float:
        """The seconds that count until now."""
        now = raw - self._lost
        if self._due < math.inf and now - self._last > LOOK + HELD_UP:
            self._lost += now - self._last - LOOK
            now = self._last + LOOK
        self._last = max(now, self._last)
        return self._last

    def wake_at(self, when: float, raw: float) -> bool:
        """Ring at `when`; of several the earliest counts. Whether `next` has moved."""
        now = self.now(raw)
        self._due = min(self._due, max(when, now))
        look = min(self._due, now + LOOK)
        if look >= self.next:
            return False
        self.next = look
        return True

    def look(self, raw: float) -> bool:
        """Whether it rings; it is not set any more then."""
        now = self.now(raw)
        if self._due <= now + EARLY:
            self._due = self.next = math.inf
            return True
        self.next = min(self._due, now + LOOK)
        return False
