"""The supervisor's clock on an asyncio loop: monotonic seconds and one alarm."""

import asyncio
from collections.abc import Callable

HELD_UP = 2.0
"""So late is an alarm only when the whole process was stopped (Ctrl-Z, a debugger, a suspended machine)."""
CATCH_UP = 1.0
"""Seconds to read what arrived meanwhile, before anybody is called silent."""


class LoopClock:
    """Implements `supervisor.ports.Clock`. `alarm` is called once per armed time."""

    def __init__(self, alarm: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._alarm = alarm
        self._armed: asyncio.TimerHandle | None = None
        self._catching_up = False

    def now(self) -> float:
        return self._loop.time()

    def wake_at(self, when: float) -> None:
        when = max(when, self.now())
        if self._armed is not None:
            if self._catching_up or self._armed.when() <= when:
                return
            self._armed.cancel()
        self._armed = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        due = self._armed.when() if self._armed is not None else self.now()
        self._armed = None
        self._catching_up = not self._catching_up and self.now() - due > HELD_UP
        if self._catching_up:
            self._armed = self._loop.call_later(CATCH_UP, self._fire)
            return
        try:
            self._alarm()
        except Exception:
            self.wake_at(self.now() + CATCH_UP)  # what broke off is tried again, not forgotten
            raise
