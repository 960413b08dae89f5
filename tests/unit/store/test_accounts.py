"""What was spent is known at once, also what is not written yet and what could not be."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.store.accounts import Accounts
from ai_pal.store.calendar import Span
from ai_pal.store.ledger import Attempt, Ledger, Spent
from tests.memory_ledger import MemoryLedger

NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
WAIT = 60.0


def attempt(cost: float, at: float = NOON, principal: str = "") -> Attempt:
    return Attempt(
        at=at, request="1", tier=3, provider="openai", model="gpt-4", outcome="done", cost=cost,
        principal=principal,
    )  # fmt: skip


class Slow(MemoryLedger):
    """A ledger that writes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def record(self, attempts: Sequence[Attempt]) -> None:
        assert self.gate.wait(WAIT)
        super().record(attempts)


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@contextmanager
def accounts(ledger: Slow, clock: Clock, *, budgeted: bool = True) -> Iterator[Accounts]:
    made = Accounts(lambda: ledger, lambda event, **fields: None, budgeted=budgeted, now=clock)
    yield made
    ledger.gate.set()
    made.close(WAIT)


@pytest.fixture
def ledger() -> Slow:
    return Slow()


def test_what_was_spent_before_counts_from_the_start(ledger: Slow) -> None:
    ledger.attempts = [attempt(0.25), attempt(0.5, NOON - 86_400.0)]
    with accounts(ledger, Clock()) as books:
        assert books.spent() == Spent(0.25, 0.75)


def test_an_attempt_counts_before_it_is_written_and_only_once_afterwards(ledger: Slow) -> None:
    with accounts(ledger, Clock()) as books:
        books.record(attempt(0.25))
        assert books.spent() == Spent(0.25, 0.25)
        ledger.gate.set()
        books.close(WAIT)
        assert ledger.attempts
        assert books.spent() == Spent(0.25, 0.25)


def test_a_new_day_begins_with_nothing_spent(ledger: Slow) -> None:
    ledger.attempts = [attempt(0.25)]
    clock = Clock()
    with accounts(ledger, clock) as books:
        clock.now += 86_400.0
        assert books.spent() == Spent(0.0, 0.25)
        clock.now += 30 * 86_400.0
        assert books.spent() == Spent(0.0, 0.0)


def test_each_principal_has_a_day_of_its_own(ledger: Slow) -> None:
    ledger.attempts = [attempt(0.25, principal="ann"), attempt(0.5, NOON - 86_400.0, "ann"), attempt(1.0)]
    clock = Clock()
    with accounts(ledger, clock, budgeted=False) as books:
        assert (books.spent_by("ann"), books.spent_by(""), books.spent_by("bob")) == (0.25, 1.0, 0.0)
        books.record(attempt(0.125, principal="ann"))
        books.record(attempt(2.0, principal="bob"))
        assert (books.spent_by("ann"), books.spent_by("bob")) == (0.375, 2.0)
        ledger.gate.set()
        books.close(WAIT)
        assert (books.spent_by("ann"), books.spent_by("bob")) == (0.375, 2.0)
        clock.now += 86_400.0
        assert books.spent_by("ann") == 0.0


def test_what_was_spent_while_the_clock_was_ahead_does_not_block(ledger: Slow) -> None:
    clock = Clock()
    clock.now += 400 * 86_400.0
    ledger.attempts = [attempt(5.0, clock.now), attempt(0.25)]
    ledger.gate.set()
    with accounts(ledger, clock) as books:
        assert books.spent() == Spent(5.0, 5.0)
        clock.now = NOON  # somebody has set it right
        assert books.spent() == Spent(0.0, 0.0)
        wait_for(lambda: books.spent() == Spent(0.25, 0.25))  # read again, with the real day
    with accounts(ledger, clock) as books:
        assert books.spent() == Spent(0.25, 0.25)


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_is_shed_still_counts(ledger: Slow) -> None:
    with accounts(ledger, Clock()) as books:
        books.close(0.0)
        assert not books.record(attempt(0.25))
        assert books.spent() == Spent(0.25, 0.25)


class Read(MemoryLedger):
    """Half a dollar was spent; tells when it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = [attempt(0.5)]
        self.done = threading.Event()

    def spent(self, day: Span, month: Span) -> Spent:
        self.done.set()
        return super().spent(day, month)


def test_while_a_ledger_cannot_be_read_nobody_knows_what_was_spent() -> None:
    told, mended, ledger = queue.Queue[str](), threading.Event(), Read()

    def open_ledger() -> Ledger:
        if not mended.is_set():
            raise AiPalError(Failure(Code.STORE_DAMAGED, "damaged"))
        return ledger

    books = Accounts(open_ledger, lambda event, **fields: told.put(event), budgeted=True, now=Clock())
    assert told.get(timeout=WAIT) == "ledger_failed"
    with pytest.raises(AiPalError, match="damaged"):
        books.spent()
    mended.set()
    books.record(attempt(0.25))
    assert told.get(timeout=WAIT) == "ledger_works_again"
    assert books.close(WAIT) == 0
    assert books.spent() == Spent(0.75, 0.75)


def test_it_is_read_as_soon_as_that_works_though_there_is_nothing_to_write() -> None:
    tries, ledger = iter([False, True]), Read()

    def open_ledger() -> Ledger:
        if not next(tries):
            raise AiPalError(Failure(Code.STORE_BUSY, "busy"))
        return ledger

    books = Accounts(open_ledger, lambda event, **fields: None, budgeted=True, now=Clock())
    assert ledger.done.wait(WAIT)
    assert books.close(WAIT) == 0
    assert books.spent() == Spent(0.5, 0.5)
