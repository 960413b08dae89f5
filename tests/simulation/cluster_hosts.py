"""Hosts with clocks of their own, and the ways between them: slow, cut in one direction, reset, as TCP is."""

import random
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from tests.simulation.clock import VirtualTime

T = TypeVar("T")

DRIFT = 0.005
"""By how much a host's second may be longer or shorter than another's."""

LATENCY = 0.002
RETRANSMITTED = 0.4
"""Seconds until what waited for a cut way comes, at most, once that is there again."""


class Host:
    """What is due while it stands still happens when it goes on."""

    def __init__(self, time: VirtualTime, dice: random.Random) -> None:
        self._time = time
        self._rate, self._offset = 1.0 + dice.uniform(-DRIFT, DRIFT), dice.uniform(0.0, 1e6)
        self._still_until = self._stood_still = 0.0
        self._waiting = deque[Callable[[], None]]()

    def now(self) -> float:
        """By its own clock."""
        return self._offset + self._rate * self._time.now()

    def ran(self) -> float:
        """Seconds in which it has computed."""
        now = self._time.now()
        return now - self._stood_still + max(0.0, self._still_until - now)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self._time.after(seconds / self._rate, lambda: self.do(call))

    def do(self, call: Callable[[], None]) -> None:
        """Now, or in turn when it goes on."""
        if self._time.now() < self._still_until:
            self._waiting.append(call)
        else:
            self._go_on()
            call()

    def stand_still(self, seconds: float) -> None:
        now = self._time.now()
        until = max(self._still_until, now + seconds)
        self._stood_still += until - max(self._still_until, now)
        self._still_until = until
        self._time.at(until, self._go_on)

    def _go_on(self) -> None:
        while self._waiting and self._time.now() >= self._still_until:
            self._waiting.popleft()()


class Way:
    """One direction between two hosts, for all that goes between them. `slow` is the most that a message
    takes."""

    def __init__(self, time: VirtualTime, dice: random.Random) -> None:
        self._time, self._dice = time, dice
        self.is_cut = False
        self.slow = LATENCY
        self._waiting: list[Callable[[], None]] = []

    def delay(self) -> float:
        return self._dice.uniform(0.0, self.slow)

    def carry(self, arrive: Callable[[], None]) -> None:
        """Now, or some time after the way is there again."""
        if self.is_cut:
            self._waiting.append(arrive)
        else:
            arrive()

    def restore(self) -> None:
        self.is_cut, waiting = False, self._waiting
        self._waiting = []
        for arrive in waiting:
            self._time.after(
                self._dice.uniform(0.0, RETRANSMITTED),
                lambda arrive=arrive: self.carry(arrive),  # type: ignore[misc]
            )


class Stream(Generic[T]):
    """One direction of one connection: what is said arrives in order, once, or not at all."""

    def __init__(self, time: VirtualTime, way: Way, host: Host, deliver: Callable[[T], None]) -> None:
        self._time, self._way, self._host, self._deliver = time, way, host, deliver
        self._under_way = deque[T]()
        self._last = 0.0
        self._is_open = True
        self.unread = 0

    def send(self, message: T) -> None:
        if self._is_open:
            self._under_way.append(message)
            self._last = max(self._last, self._time.now() + self._way.delay())
            self._time.at(self._last, lambda: self._way.carry(self._arrive))

    def close(self) -> None:
        """Nothing arrives any more."""
        self._is_open, self.unread = False, 0
        self._under_way.clear()

    def _arrive(self) -> None:
        if self._is_open:
            self.unread += 1
            self._host.do(self._read)

    def _read(self) -> None:
        if self._is_open:
            self.unread -= 1
            self._deliver(self._under_way.popleft())
