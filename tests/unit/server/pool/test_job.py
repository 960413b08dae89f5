"""The request table: the one place where requests end."""

import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.server.pool.job import JobTable, WorkerJob

ANN = b"ann"
BROKEN = Failure(Code.WORKER_DIED, "it died", retryable=True)


class Heard:
    def __init__(self) -> None:
        self.events: list[wire.Event] = []

    def send(self, client: bytes, event: wire.Event) -> None:
        self.events.append(event)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def table(heard: Heard) -> JobTable:
    return JobTable(heard, lambda event, **fields: None)


def ask(
    table: JobTable, request_id: int = 1, deadline: float | None = None, client: bytes = ANN
) -> WorkerJob:
    chat = wire.Chat(request_id, [Message("user", "hi")], deadline=deadline)
    return table.open(client, chat, "echo", 0.0)


def piece(request: WorkerJob, seq: int, text: str = "a", n: int = 1) -> DeltaItem:
    return DeltaItem(request.key, seq, n, msgspec.Raw(msgspec.msgpack.encode(text)))


def test_a_request_ends_once_whatever_comes_later(table: JobTable, heard: Heard) -> None:
    request = ask(table)
    table.cancelled(request, 1.0)
    table.done(request, 1.0, "stop", Usage(), Timings())
    table.broken(request, BROKEN, 1.0)
    table.cancelled(request, 1.0)
    assert [type(event) for event in heard.events] == [wire.Accepted, wire.Cancelled]
    assert not len(table)


def test_breaking_off_before_content_is_failed_and_after_it_interrupted(
    table: JobTable, heard: Heard
) -> None:
    first, second = ask(table, 1), ask(table, 2)
    table.deliver(second, piece(second, 0), 1.0)
    table.broken(first, BROKEN, 2.0)
    table.broken(second, BROKEN, 2.0)
    assert [type(event) for event in heard.events[-2:]] == [wire.Failed, wire.Interrupted]


def test_started_comes_once_before_the_first_delta(table: JobTable, heard: Heard) -> None:
    request = ask(table)
    assert table.deliver(request, piece(request, 0, n=3), 1.0)
    assert table.deliver(request, piece(request, 3), 1.0)
    kinds = [type(event) for event in heard.events]
    assert kinds == [wire.Accepted, wire.Started, wire.ForwardedDelta, wire.ForwardedDelta]


@pytest.mark.parametrize("seq", [0, 2, 5], ids=["doubled", "gap of one", "gap"])
def test_a_delta_that_does_not_follow_is_not_delivered(table: JobTable, heard: Heard, seq: int) -> None:
    request = ask(table)
    table.deliver(request, piece(request, 0), 1.0)
    heard.events.clear()
    assert not table.deliver(request, piece(request, seq), 1.0)
    assert not heard.events


def test_text_behind_the_end_is_dropped(table: JobTable, heard: Heard) -> None:
    request = ask(table)
    table.cancelled(request, 1.0)
    heard.events.clear()
    assert table.deliver(request, piece(request, 0), 1.0)
    assert not heard.events


def test_deadlines_come_in_order_and_each_once(table: JobTable) -> None:
    late, early, ended = ask(table, 1, 9.0), ask(table, 2, 3.0), ask(table, 3, 1.0)
    table.cancelled(ended, 0.5)
    assert table.next_deadline() == 3.0
    assert table.overdue(2.9) == []
    assert table.overdue(10.0) == [early, late]
    assert table.overdue(10.0) == []
    assert table.next_deadline() is None


def test_an_id_is_free_again_once_its_request_has_ended(table: JobTable) -> None:
    request = ask(table)
    assert table.find(ANN, 1) is request
    table.cancelled(request, 1.0)
    assert table.find(ANN, 1) is None
    assert ask(table).key != request.key


def test_requests_belong_to_their_clients(table: JobTable) -> None:
    mine, other = ask(table), ask(table, client=b"bob")
    assert table.of_client(ANN) == [mine]
    assert list(table) == [mine, other]


def test_timings_count_from_acceptance(table: JobTable) -> None:
    request = ask(table)
    request.dispatched_at = 2.0
    table.deliver(request, piece(request, 0, n=11), 3.0)
    timings = request.timings(8.0)
    assert (timings.queued, timings.first_token, timings.total) == (2.0, 3.0, 8.0)


def test_what_never_came_has_no_time(table: JobTable) -> None:
    timings = ask(table).timings(8.0)
    assert (timings.first_token, timings.total) == (0.0, 8.0)
