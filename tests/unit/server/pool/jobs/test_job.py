"""The table of jobs: the one place where they end."""

import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.server.jobs import Answered, Job, News, Result, Sink, Work
from ai_pal.server.pool.jobs.job import ENDS, JobTable, WorkerJob

BROKEN = Failure(Code.WORKER_DIED, "it died", retryable=True)
GENERATE = inner.Generate(0, [Message("user", "hi")])


class Heard(Sink):
    """What became of one job, in words."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.usage = Usage()

    def accepted(self, model: str) -> None:
        self.words.append("accepted")

    def news(self, news: News) -> None:
        self.words.append(type(news).__name__.lower())

    def delta(self, piece: DeltaItem) -> None:
        self.words.append("delta")

    def done(self, result: Result) -> None:
        self.words.append("done")

    def failed(self, failure: Failure, usage: Usage, timings: Timings | None) -> None:
        self.words.append("failed" if timings is None else "failed within")
        self.usage = usage

    def cancelled(self, usage: Usage, timings: Timings) -> None:
        self.words.append("cancelled")


@pytest.fixture
def table() -> JobTable:
    return JobTable(lambda event, **fields: None)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def ask(table: JobTable, sink: Sink | None = None, deadline: float | None = None) -> WorkerJob:
    job = Job(work=GENERATE, model="echo", deadline=deadline)
    return table.open(job, sink or Heard(), "echo", 0.0, "echo")


def piece(job: WorkerJob, seq: int, text: str = "a", n: int = 1) -> DeltaItem:
    return DeltaItem(job.key, seq, n, msgspec.Raw(msgspec.msgpack.encode(text)))


def test_a_job_ends_once_whatever_comes_later(table: JobTable, heard: Heard) -> None:
    job = ask(table, heard)
    table.cancelled(job, 1.0)
    table.done(job, Answered(), 1.0)
    table.broken(job, BROKEN, 1.0)
    table.cancelled(job, 1.0)
    assert heard.words == ["accepted", "cancelled"]
    assert not len(table)


def test_what_was_delivered_is_counted_when_it_breaks_off(table: JobTable, heard: Heard) -> None:
    first, second = Heard(), ask(table, heard)
    table.deliver(second, piece(second, 0, n=3), 1.0)
    table.broken(ask(table, first), BROKEN, 2.0)
    table.broken(second, BROKEN, 2.0)
    assert first.words == ["accepted", "failed"]
    assert heard.words == ["accepted", "delta", "failed within"]
    assert heard.usage == Usage(completion_tokens=3)


@pytest.mark.parametrize("seq", [0, 2, 5], ids=["doubled", "gap of one", "gap"])
def test_a_delta_that_does_not_follow_is_not_delivered(table: JobTable, heard: Heard, seq: int) -> None:
    job = ask(table, heard)
    assert table.deliver(job, piece(job, 0), 1.0)
    assert not table.deliver(job, piece(job, seq), 1.0)
    assert heard.words == ["accepted", "delta"]


def test_text_behind_the_end_is_dropped(table: JobTable, heard: Heard) -> None:
    job = ask(table, heard)
    table.cancelled(job, 1.0)
    assert table.deliver(job, piece(job, 0), 1.0)
    assert heard.words == ["accepted", "cancelled"]


def test_deadlines_come_in_order_and_each_once(table: JobTable) -> None:
    late, early, ended = ask(table, None, 9.0), ask(table, None, 3.0), ask(table, None, 1.0)
    table.cancelled(ended, 0.5)
    assert table.next_deadline() == 3.0
    assert table.overdue(2.9) == []
    assert table.overdue(10.0) == [early, late]
    assert table.overdue(10.0) == []
    assert table.next_deadline() is None


def test_each_job_has_a_key_of_its_own(table: JobTable) -> None:
    first, second = ask(table), ask(table)
    assert first.key != second.key
    assert list(table) == [first, second]
    assert first.message == inner.Generate(first.key, GENERATE.messages)


@pytest.mark.parametrize(
    "work",
    [
        GENERATE,
        inner.CompleteText(0, "a"),
        inner.EmbedTexts(0, ["a"]),
        inner.RerankTexts(0, "q", ["a"]),
        inner.CountTokens(0, []),
    ],
    ids=lambda work: type(work).__name__,
)
def test_all_work_but_counting_takes_a_slot_and_each_ends_in_its_own_way(work: Work) -> None:
    job = WorkerJob(1, Job(work=work, model="m"), Heard(), "m", 0.0, "m")
    assert job.takes_slot == (not isinstance(work, inner.CountTokens))
    ends = {
        inner.GenerationDone: inner.GenerationDone(1, "stop", Usage()),
        inner.Embedded: inner.Embedded(1, b"", 0),
        inner.Reranked: inner.Reranked(1, []),
        inner.Counted: inner.Counted(1, 5),
    }
    fitting = [kind for kind, end in ends.items() if job.ends_with(end)]
    assert fitting == [ENDS[type(work)]]


def test_timings_count_from_acceptance(table: JobTable) -> None:
    job = ask(table)
    job.dispatched_at = 2.0
    table.deliver(job, piece(job, 0, n=11), 3.0)
    timings = job.timings(8.0)
    assert (timings.queued, timings.first_token, timings.total) == (2.0, 3.0, 8.0)


def test_what_never_came_has_no_time(table: JobTable) -> None:
    timings = ask(table).timings(8.0)
    assert (timings.first_token, timings.total) == (0.0, 8.0)


def test_the_parts_of_an_answers_time_never_exceed_the_whole(table: JobTable) -> None:
    """An engine's clock goes on while this machine sleeps; ours does not."""
    job = ask(table)
    job.dispatched_at, job.first_at = 1.0, 2.0
    slept = job.timings(3.0, prefill=3600.0, decode=7200.0)
    assert (slept.queued, slept.prefill, slept.decode, slept.total) == (1.0, 2.0, 0.0, 3.0)
    awake = job.timings(3.0, prefill=0.75, decode=1.125)
    assert (awake.prefill, awake.decode) == (0.75, 1.125)
