"""Virtual time: one heap of callbacks, run one after another, and the supervisor's clock over it."""

import heapq
import itertools
import math
from collections.abc import Callable
from functools import partial

from ai_pal.server.clock.timekeeper import Timekeeper

TICK = 1e-9
"""Seconds that pass at least before the clock rings: less is lost in the rounding of later times."""


class VirtualTime:
    """What time it is, and what happens when."""

    def __init__(self) -> None:
        self.events = 0
        self.jumps = 0
        self.jumped_at = -math.inf
        self._now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(when, self._now), next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self._now + delay, call)

    def run(self, until: float) -> None:
        """Let everything happen up to `until`."""
        while self._heap and self._heap[0][0] <= until:
            when, _, call = heapq.heappop(self._heap)
            self._now = max(self._now, when)
            self.events += 1
            call()
        self._now = max(self._now, until)

    def jump(self, seconds: float) -> None:
        """The whole machine stands still for so long: what was due meanwhile happens afterwards."""
        self._now += seconds
        self.jumps += 1
        self.jumped_at = self._now


class VirtualClock:
    """Implements `supervisor.ports.Clock` over virtual time; `alarm` stands for the supervisor's tick."""

    def __init__(self, time: VirtualTime | None = None) -> None:
        self.time = time or VirtualTime()
        self.alarm: Callable[[], None] = lambda: None
        self.alarms = 0
        self._keeper = Timekeeper()

    def now(self) -> float:
        return self._keeper.now(self.time.now())

    def wake_at(self, when: float) -> None:
        assert not math.isnan(when), "a timer at no time at all"
        if self._keeper.wake_at(when, self.time.now()):
            self._set()

    def run(self, until: float) -> None:
        """Let everything happen up to `until`."""
        self.time.run(until)

    def _set(self) -> None:
        look = self._keeper.next
        self.time.after(max(look - self.now(), TICK), partial(self._look, look))

    def _look(self, when: float) -> None:
        if when != self._keeper.next:  # an earlier one came first
            return
        if self._keeper.look(self.time.now()):
            self.alarms += 1
            self.alarm()
        else:
            self._set()
