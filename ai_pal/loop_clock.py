"""The supervisor's clock on an asyncio loop: monotonic seconds and one alarm."""

import asyncio
from collections.abc import Callable


class LoopClock:
    """Implements `supervisor.ports.Clock`. `alarm` is called once per armed time."""

    def __init__(self, alarm: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._alarm = alarm
        self._armed: asyncio.TimerHandle | None = None

    def now(self) -> float:
        return self._loop.time()

    def wake_at(self, when: float) -> None:
        if self._armed is not None:
            if self._armed.when() <= when:
                return
            self._armed.cancel()
        self._armed = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._armed = None
        self._alarm()
