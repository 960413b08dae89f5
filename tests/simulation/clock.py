"""Virtual time: one heap of callbacks, run one after another."""

import heapq
import itertools
import math
from collections.abc import Callable
from functools import partial


class VirtualClock:
    """Implements `supervisor.ports.Clock`; `alarm` stands for the supervisor's tick."""

    def __init__(self) -> None:
        self.alarm: Callable[[], None] = lambda: None
        self.alarms = 0
        self.events = 0
        self._now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._armed = math.inf

    def now(self) -> float:
        return self._now

    def wake_at(self, when: float) -> None:
        assert not math.isnan(when), "a timer at no time at all"
        if when < self._armed:
            self._armed = when
            self.at(when, partial(self._fire, when))

    def at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(when, self._now), next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self._now + delay, call)

    def run(self, until: float) -> None:
        """Let everything happen up to `until`."""
        while self._heap and self._heap[0][0] <= until:
            self._now, _, call = heapq.heappop(self._heap)
            self.events += 1
            call()
        self._now = until

    def _fire(self, when: float) -> None:
        if when == self._armed:  # else an earlier one came first
            self._armed = math.inf
            self.alarms += 1
            self.alarm()
