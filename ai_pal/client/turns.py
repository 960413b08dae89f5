"""Threads at one connection: one of those that wait reads for all of them, and the others are told by it."""

import contextlib
import os
import select
import threading
import weakref
from collections.abc import Sequence

LONGEST = 3600.0
"""Seconds of one wait, which is begun anew then: the system takes no number whatsoever."""

CLOSE_SECONDS = 5.0
"""Seconds in which whoever reads leaves what is to be closed; it is woken for that."""


class Turns:
    """`lock` guards the connection and what is known of it; the two waits let go of it meanwhile. Who uses
    the connection does it within `with turns`: the reader looks at the connection afterwards, for that may
    have taken from its `descriptors` what it waits for."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self.lock = threading.RLock()  # a signal's handler may come in between, and a stream that is dropped
        self._reader: int | None = None
        self._waiting: list[threading.Condition] = []
        self._left = threading.Condition(self.lock)
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._close = weakref.finalize(self, _close, self._woken, self._wake)
        self._poll = select.poll()
        for descriptor in (*descriptors, self._woken):
            self._poll.register(descriptor, select.POLLIN)

    @property
    def free(self) -> bool:
        """Whether no other thread reads."""
        return self._reader in (None, threading.get_ident())

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        if not self.free:
            self._wake_reader()
        self.lock.release()

    def read(self, seconds: float) -> None:
        """With the lock: wait as the reader until there may be something. Only where it is `free`."""
        before, self._reader = self._reader, threading.get_ident()
        self.lock.release()
        found: list[tuple[int, int]] = []
        try:
            found = self._poll.poll(int(max(0.0, min(seconds, LONGEST)) * 1000) + 1)
        finally:
            self.lock.acquire()
            self._reader = before
            self._left.notify_all()
        if (self._woken, select.POLLIN) in found and self._close.alive:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)

    def follow(self, ready: threading.Condition, seconds: float) -> None:
        """With the lock: wait until the reader tells, or nobody reads any more."""
        self._waiting.append(ready)
        try:
            ready.wait(max(0.0, min(seconds, LONGEST)))
        finally:
            self._waiting.remove(ready)

    def pass_on(self) -> None:
        """With the lock: this thread waits no more; another reads, if one waits."""
        if self._reader is None and self._waiting:
            self._waiting[0].notify_all()

    def end(self) -> None:
        """With the lock: there is nothing to read any more, and what was read may be closed."""
        if not self.free:
            self._wake_reader()
            self._left.wait_for(lambda: self.free, CLOSE_SECONDS)
        self._close()

    def _wake_reader(self) -> None:
        if self._close.alive:
            with contextlib.suppress(BlockingIOError):  # then it is woken already
                os.write(self._wake, b"\0")


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
