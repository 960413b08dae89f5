"""The supervisor's clock on an asyncio loop: monotonic seconds and one alarm."""

import asyncio
from collections.abc import Callable

from ai_pal.server.clock.timekeeper import Timekeeper

AGAIN = 1.0
"""Seconds until what broke off is tried again."""


class LoopClock:
    """Implements `supervisor.ports.Clock`. `ring` is called once per armed time."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._keeper = Timekeeper()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return self._keeper.now(self._loop.time())

    def wake_at(self, when: float) -> None:
        if self._keeper.wake_at(when, self._loop.time()):
            self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._keeper.next - self.now(), self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._keeper.look(self._loop.time()):
            self._set()
            return
        try:
            self._ring()
        except Exception:
            self.wake_at(self.now() + AGAIN)  # what broke off is tried again, not forgotten
            raise
