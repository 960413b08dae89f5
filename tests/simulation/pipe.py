"""One direction of one connection: ordered, delayed, bounded; it can be full, paused and cut."""

import random
from collections import deque
from collections.abc import Callable, Sequence

from ai_pal.transport.channel import Sent
from tests.simulation.clock import VirtualTime

LONG_DELAY = 0.3
"""Seconds that one message in fifty takes; the others take at most two milliseconds."""


class Pipe:
    """`send` answers as a ROUTER does; `deliver` gets each message's frames."""

    def __init__(
        self,
        time: VirtualTime,
        dice: random.Random,
        deliver: Callable[[list[bytes]], None],
        limit: int = 1000,
    ) -> None:
        self._time, self._dice, self._deliver, self._limit = time, dice, deliver, limit
        self._flight: deque[list[bytes]] = deque()
        self._last = 0.0
        self._paused = False
        self._closed = False
        self.full_until = 0.0

    def send(self, frames: Sequence[bytes]) -> Sent:
        if self._closed:
            return Sent.GONE
        if len(self._flight) >= self._limit or self._time.now() < self.full_until:
            return Sent.FULL
        delay = LONG_DELAY if self._dice.random() < 0.02 else self._dice.random() * 0.002
        self._last = max(self._last, self._time.now() + delay)
        self._flight.append(list(frames))
        self._time.at(self._last, self._arrive)
        return Sent.OK

    @property
    def troubled(self) -> bool:
        """Closed, or full at some time."""
        return self._closed or self.full_until > 0

    def pause(self) -> None:
        """The receiver stops reading."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        while self._flight:
            self._arrive()

    def close(self) -> None:
        """No more is sent; what is under way still arrives."""
        self._closed = True

    def cut(self) -> None:
        """The connection breaks: what is under way is lost."""
        self._closed = True
        self._flight.clear()

    def _arrive(self) -> None:
        if self._flight and not self._paused:
            self._deliver(self._flight.popleft())
