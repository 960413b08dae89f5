"""The supervisor's ledger: attempts go to the writer, and what was spent is known without asking."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ai_pal.errors import AiPalError, Failure
from ai_pal.store.calendar import day_of, month_of
from ai_pal.store.ledger import Attempt, Ledger, Spent
from ai_pal.store.writer import LedgerWriter, Observe

NOTHING = 1e-9
"""US dollars; what adding and taking away leaves of them."""


class Accounts:
    """Owns the writer. `record` and `spent` never wait for the disk.

    With `budgeted` what was spent before is read at once. Where it cannot be read nobody knows what is left:
    `spent` says so until the writer has read it after all. Of each principal it is read when the first is
    asked for: few have budgets of their own.
    """

    def __init__(
        self,
        open_ledger: Callable[[], Ledger],
        observe: Observe,
        *,
        budgeted: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now, self._open = now, open_ledger
        self._lock = threading.Lock()
        self._by: dict[str, float] | None = None
        self._by_at, self._by_wanted = now(), False
        self._by_on_its_way: dict[str, float] = {}
        self._known = Spent()
        self._known_at = now()
        self._on_its_way = 0.0
        self._unread = self._read(open_ledger) if budgeted else None
        self._writer = LedgerWriter(open_ledger, observe, self._committed)
        if self._unread is not None:
            self._writer.look()

    def record(self, attempt: Attempt) -> bool:
        """Keep one attempt; False when it is shed. What it cost counts either way."""
        if 0 < attempt.cost < float("inf"):
            with self._lock:
                self._on_its_way += attempt.cost
                waiting = self._by_on_its_way.get(attempt.principal, 0.0)
                self._by_on_its_way[attempt.principal] = waiting + attempt.cost
        return self._writer.record(attempt)

    def spent(self) -> Spent:
        """US dollars this day and this month, with what is not written yet. Raises `AiPalError`: the reason
        why it is not known."""
        now = self._now()
        with self._lock:
            if self._unread is not None:
                raise AiPalError(self._unread)
            same_day = self._known_at in day_of(now)
            same_month = self._known_at in month_of(now)
            if not same_day and self._known_at > now:  # the clock was ahead: what was read is of another day
                self._writer.look()
            return Spent(
                (self._known.day if same_day else 0.0) + self._on_its_way,
                (self._known.month if same_month else 0.0) + self._on_its_way,
            )

    def spent_by(self, principal: str) -> float:
        """The same for one principal, of this day. Waits for the disk the first time."""
        now = self._now()
        if self._by is None:
            self._by_wanted = True  # what is committed while this thread reads is read there
            ledger = self._open()
            try:
                by = _by_principal(ledger, now)
            finally:
                ledger.close()
            with self._lock:
                if self._by is None:
                    self._by, self._by_at = by, now
        with self._lock:
            known = self._by.get(principal, 0.0) if self._by_at in day_of(now) else 0.0
            return known + self._by_on_its_way.get(principal, 0.0)

    def close(self, timeout: float = 2.0) -> int:
        """Write what waits, for at most `timeout` seconds; returns how many attempts were left behind."""
        return self._writer.close(timeout)

    def _read(self, open_ledger: Callable[[], Ledger]) -> Failure | None:
        try:
            ledger = open_ledger()
            try:
                self._known = self._sums(ledger, self._known_at)
            finally:
                ledger.close()
        except AiPalError as error:
            return error.failure
        return None

    def _committed(self, ledger: Ledger, attempts: Sequence[Attempt]) -> None:
        now = self._now()
        known = self._sums(ledger, now)
        by = _by_principal(ledger, now) if self._by_wanted else None
        with self._lock:
            self._known, self._known_at, self._unread = known, now, None
            if by is not None:
                self._by, self._by_at = by, now
            self._on_its_way -= sum(attempt.cost for attempt in attempts)
            for attempt in attempts:
                rest = self._by_on_its_way.pop(attempt.principal, 0.0) - attempt.cost
                if rest > NOTHING:
                    self._by_on_its_way[attempt.principal] = rest

    @staticmethod
    def _sums(ledger: Ledger, now: float) -> Spent:
        return ledger.spent(day_of(now), month_of(now))


def _by_principal(ledger: Ledger, now: float) -> dict[str, float]:
    day = day_of(now)
    return {sums.key: sums.cost for sums in ledger.summary("principal", day.start, day.end)}


def open_accounts(file: Path, observe: Observe, *, budgeted: bool) -> Accounts:
    """Accounts in the user's database; SQLite is imported when first needed."""

    def open_ledger() -> Ledger:
        from ai_pal.store.sqlite_ledger import SqliteLedger

        return SqliteLedger(file)

    return Accounts(open_ledger, observe, budgeted=budgeted)
