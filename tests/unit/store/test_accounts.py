"""What was spent is known at once, also what is not written yet and what could not be."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.store.accounts import Accounts
from ai_pal.store.ledger import Attempt, Ledger, Spent
from ai_pal.store.memory_ledger import MemoryLedger

NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
WAIT = 10.0


def attempt(cost: float, at: float = NOON) -> Attempt:
    return Attempt(at=at, request="1", tier=3, provider="openai", model="gpt-4", outcome="done", cost=cost)


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


def test_what_is_shed_still_counts(ledger: Slow) -> None:
    with accounts(ledger, Clock()) as books:
        books.close(0.0)
        assert not books.record(attempt(0.25))
        assert books.spent() == Spent(0.25, 0.25)


def test_a_ledger_that_cannot_be_read_is_told_and_counts_from_now_on() -> None:
    told: list[str] = []

    def broken() -> Ledger:
        raise AiPalError(Failure(Code.STORE_DAMAGED, "damaged"))

    books = Accounts(broken, lambda event, **fields: told.append(event), budgeted=True)
    assert told == ["ledger_failed"]
    books.record(attempt(0.25))
    assert books.spent() == Spent(0.25, 0.25)
    assert books.close(WAIT) == 1
