"""The one thread that writes the supervisor's ledger: its loop hands attempts over and never waits.

What waits together is one transaction; only what is committed counts as recorded.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from ai_pal.errors import AiPalError
from ai_pal.store.ledger import Attempt, Ledger

QUEUE = 4096
"""Attempts that may wait; more are shed."""

BATCH = 512
RETRY_SECONDS = (1.0, 30.0)
"""The first wait after a failed write, and the longest."""


class Observe(Protocol):
    def __call__(self, event: str, **fields: object) -> None: ...


class LedgerWriter:
    """Owns the thread and, on it, the ledger. `committed` is called on that thread with what is safe now.

    `observe` gets `ledger_shed` (the queue was full), `ledger_failed` and `ledger_works_again`; it must
    be safe to call from any thread.
    """

    def __init__(
        self,
        open_ledger: Callable[[], Ledger],
        observe: Observe,
        committed: Callable[[Ledger, Sequence[Attempt]], None] = lambda ledger, attempts: None,
        *,
        limit: int = QUEUE,
        retry: tuple[float, float] = RETRY_SECONDS,
    ) -> None:
        self._open, self._observe, self._committed = open_ledger, observe, committed
        self._limit, self._retry = limit, retry
        self._waiting: deque[Attempt] = deque()
        self._changed = threading.Condition()
        self._closing = self._looking = False
        self._ledger: Ledger | None = None
        self._failed = ""
        self.shed = 0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def record(self, attempt: Attempt) -> bool:
        """Hand one attempt over; False when the queue is full or closed, and it is shed. Never waits."""
        with self._changed:
            taken = not self._closing and len(self._waiting) < self._limit
            if taken:
                self._waiting.append(attempt)
                self._changed.notify()
            else:
                self.shed += 1
        if not taken:
            self._observe("ledger_shed", shed=self.shed)
        return taken

    def look(self) -> None:
        """Open the ledger although there is nothing to write, again and again until that works; then
        `committed` is called."""
        with self._changed:
            self._looking = True
            self._changed.notify()

    def close(self, timeout: float = 2.0) -> int:
        """Write what waits, for at most `timeout` seconds. Returns how many attempts were left behind."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return len(self._waiting)

    def _run(self) -> None:
        wait = self._retry[0]
        while (batch := self._next_batch()) is not None:
            try:
                self._write(batch)
            except AiPalError as error:
                self._tell_failure(error)
                self._drop_ledger()
                if self._pause(wait):
                    break  # one try while closing is all there is time for
                wait = min(2 * wait, self._retry[1])
            else:
                wait = self._retry[0]
        self._drop_ledger()

    def _next_batch(self) -> list[Attempt] | None:
        """What waits now, still in the queue; None when there is no more to come."""
        with self._changed:
            while not (self._waiting or self._looking or self._closing):
                self._changed.wait()
            if self._closing and not self._waiting:
                return None
            return list(islice(self._waiting, BATCH))

    def _write(self, batch: list[Attempt]) -> None:
        if self._ledger is None:
            self._ledger = self._open()
        try:
            self._ledger.record(batch)
        except ValueError as error:
            if len(batch) > 1:  # one of them: let the others not suffer for it
                for attempt in batch:
                    self._write([attempt])
                return
            self._observe("ledger_refused", reason=str(error))
            self._take_out(1)
            return
        self._take_out(len(batch))
        if self._failed:
            self._failed = ""
            self._observe("ledger_works_again")
        self._committed(self._ledger, batch)

    def _take_out(self, count: int) -> None:
        with self._changed:
            self._looking = False
            for _ in range(count):
                self._waiting.popleft()

    def _tell_failure(self, error: AiPalError) -> None:
        """Once for each kind: a full disk stays full for a while."""
        if error.code != self._failed:
            self._failed = error.code
            self._observe("ledger_failed", code=error.code, reason=error.failure.message)

    def _pause(self, seconds: float) -> bool:
        """Wait before the next try; True when the writer is to close."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._closing and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._closing

    def _drop_ledger(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
