"""What goes out on one way, in order: what is not taken now waits, and its source pauses."""

from collections import deque
from collections.abc import Callable, Sequence

from ai_pal.transport.sockets import Blob

MOST = 16
"""Messages that wait from which on their source is to pause; what it has read already comes on top."""


class Outlet:
    """`send` hands on a message without waiting, and is False where it is not taken now. `pause` tells the
    source whether it is to pause. Its owner calls `flush` when there may be room again."""

    def __init__(self, send: Callable[[Sequence[Blob]], bool], pause: Callable[[bool], None]) -> None:
        self._send, self._pause = send, pause
        self._waiting: deque[Sequence[Blob]] = deque()
        self._paused = False

    @property
    def empty(self) -> bool:
        return not self._waiting

    def put(self, frames: Sequence[Blob]) -> None:
        """Send this message, behind those that wait."""
        self._waiting.append(frames)
        self.flush()

    def flush(self) -> None:
        """Send what is taken now."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        paused = len(self._waiting) >= MOST or (self._paused and bool(self._waiting))
        if paused is not self._paused:
            self._paused = paused
            self._pause(paused)
