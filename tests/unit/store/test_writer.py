"""The thread that writes the ledger: never in the loop's way, never silent about what it cannot keep."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.store.ledger import Attempt, Ledger
from ai_pal.store.writer import LedgerWriter
from tests.memory_ledger import MemoryLedger

WAIT = 60.0


def attempt(number: int, prompt_tokens: int = 0) -> Attempt:
    return Attempt(
        at=float(number), request=str(number), tier=1, provider="local", model="echo", outcome="done",
        prompt_tokens=prompt_tokens,
    )  # fmt: skip


class Gate(MemoryLedger):
    """A ledger whose writes wait until the gate is open, and fail as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.open = threading.Event()
        self.entered = threading.Event()
        self.failures = failures
        self.batches: list[int] = []

    def record(self, attempts: Sequence[Attempt]) -> None:
        self.entered.set()
        assert self.open.wait(WAIT)
        if self.failures:
            self.failures -= 1
            raise AiPalError(Failure(Code.DISK_FULL, "the disk is full"))
        super().record(attempts)
        self.batches.append(len(attempts))


class Seen:
    """What the writer said, and what it committed."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.committed: list[Attempt] = []
        self.news = threading.Condition()

    def observe(self, event: str, **fields: object) -> None:
        with self.news:
            self.events.append(event)
            self.news.notify_all()

    def commit(self, ledger: Ledger, attempts: Sequence[Attempt]) -> None:
        with self.news:
            self.committed += attempts
            self.news.notify_all()

    def wait_for(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.committed) >= count, WAIT)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def writer(gate: Gate, seen: Seen, **options: Any) -> LedgerWriter:
    return LedgerWriter(lambda: gate, seen.observe, seen.commit, retry=(0.001, 0.01), **options)


def test_what_waits_together_is_one_transaction_in_order(gate: Gate, seen: Seen) -> None:
    writing = writer(gate, seen)
    writing.record(attempt(0))
    assert gate.entered.wait(WAIT)
    for number in range(1, 10):
        writing.record(attempt(number))
    gate.open.set()
    seen.wait_for(10)
    assert gate.batches == [1, 9]
    assert [kept.request for kept in gate.attempts] == [str(number) for number in range(10)]
    assert writing.close() == 0


def test_nothing_is_acknowledged_before_it_is_recorded(gate: Gate, seen: Seen) -> None:
    writing = writer(gate, seen)
    writing.record(attempt(1))
    assert gate.entered.wait(WAIT)
    assert seen.committed == []
    gate.open.set()
    seen.wait_for(1)
    assert seen.committed == gate.attempts
    writing.close()


def test_a_full_queue_sheds_at_once_and_says_so(gate: Gate, seen: Seen) -> None:
    writing = writer(gate, seen, limit=3)
    assert [writing.record(attempt(number)) for number in range(5)] == [True, True, True, False, False]
    assert (writing.shed, seen.events) == (2, ["ledger_shed", "ledger_shed"])
    gate.open.set()
    assert writing.close(WAIT) == 0
    assert len(gate.attempts) == 3


def test_a_failed_write_is_tried_again_and_told_once(gate: Gate, seen: Seen) -> None:
    gate.failures = 3
    gate.open.set()
    writing = writer(gate, seen)
    writing.record(attempt(1))
    seen.wait_for(1)
    assert writing.close(WAIT) == 0
    assert seen.events == ["ledger_failed", "ledger_works_again"]
    assert len(gate.attempts) == 1


def test_a_row_that_cannot_be_kept_does_not_take_the_others_along(gate: Gate, seen: Seen) -> None:
    writing = writer(gate, seen)
    for number, tokens in enumerate((1, -1, 1)):
        writing.record(attempt(number, prompt_tokens=tokens))
    gate.open.set()
    assert writing.close(WAIT) == 0
    assert [kept.request for kept in gate.attempts] == ["0", "2"]
    assert seen.events == ["ledger_refused"]


def test_close_writes_what_waits(gate: Gate, seen: Seen) -> None:
    gate.open.set()
    writing = writer(gate, seen)
    for number in range(1000):
        writing.record(attempt(number))
    assert writing.close(WAIT) == 0
    assert len(gate.attempts) == 1000


def test_close_does_not_wait_for_ever_and_counts_what_is_left(gate: Gate, seen: Seen) -> None:
    writing = writer(gate, seen)
    writing.record(attempt(1))
    assert gate.entered.wait(WAIT)
    assert writing.close(timeout=0.01) == 1
    assert not writing.record(attempt(2))
