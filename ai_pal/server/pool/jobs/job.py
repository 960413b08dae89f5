"""One job that workers have accepted, and the table that makes sure that each ends exactly once."""

import heapq
from collections.abc import Iterator

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol import worker as inner
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.jobs import Job, Result, Sink, Work
from ai_pal.server.ports import Observe

ENDS: dict[type[Work], type[inner.FromWorker]] = {
    inner.Generate: inner.GenerationDone,
    inner.CompleteText: inner.GenerationDone,
    inner.EmbedTexts: inner.Embedded,
    inner.RerankTexts: inner.Reranked,
    inner.CountTokens: inner.Counted,
}
"""How a worker says that a piece of work is done."""


class WorkerJob(msgspec.Struct, eq=False):
    """An open job. `key` is unique in this supervisor; `sink` hears what becomes of it. `worker` is the
    name of the one that has it, `prefixes` what its prompt begins with, where that chooses a replica."""

    key: int
    job: Job
    sink: Sink
    model: str
    accepted_at: float
    worker: str
    deadline: float | None = None
    attempts: int = 0
    next_seq: int = 0
    dispatched_at: float | None = None
    first_at: float | None = None
    ended: bool = False
    cancel_at: float | None = None
    told_position: int = 0
    told_progress: float = -1.0
    told_node: str = ""
    told_reason: str = ""
    told_read: int = -1
    prefixes: tuple[bytes, ...] | None = None

    @property
    def started(self) -> bool:
        """Whether content was delivered: from then on there is no silent retry."""
        return self.first_at is not None

    @property
    def takes_slot(self) -> bool:
        """Whether it occupies one of the worker's slots: counting tokens is done in between."""
        return not isinstance(self.job.work, inner.CountTokens)

    @property
    def message(self) -> Work:
        """What the worker is sent."""
        return msgspec.structs.replace(self.job.work, key=self.key)

    def ends_with(self, message: inner.FromWorker) -> bool:
        """Whether a worker may end this kind of work so."""
        return type(message) is ENDS[type(self.job.work)]

    def timings(self, now: float, prefill: float = 0.0, decode: float = 0.0) -> Timings:
        """As this process saw it. An engine's clock goes on while this process or the machine stands still,
        ours does not: the parts never exceed the whole."""
        first = self.first_at if self.first_at is not None else now
        computed = now - (self.dispatched_at or now)
        prefill = min(prefill, computed)
        decode = min(decode, computed - prefill)
        spent = decode or now - first
        return Timings(
            queued=(self.dispatched_at or now) - self.accepted_at,
            first_token=first - self.accepted_at if self.started else 0.0,
            total=now - self.accepted_at,
            prefill=prefill,
            decode=decode,
            tokens_per_second=self.next_seq / spent if spent > 0 and self.next_seq > 1 else 0.0,
        )


class JobTable:
    """All open jobs. The only place that accepts them and tells their sinks of the end."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._open: dict[int, WorkerJob] = {}
        self._deadlines: list[tuple[float, int, WorkerJob]] = []
        self._next_key = 1

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[WorkerJob]:
        return iter(list(self._open.values()))

    def open(self, job: Job, sink: Sink, model: str, now: float, worker: str) -> WorkerJob:
        """Accept a job for the worker of this name."""
        deadline = None if job.deadline is None else now + job.deadline
        request = WorkerJob(self._next_key, job, sink, model, now, worker, deadline)
        self._next_key += 1
        self._open[request.key] = request
        if deadline is not None:
            heapq.heappush(self._deadlines, (deadline, request.key, request))
        kind = type(job.work).__struct_config__.tag
        self._observe("request_accepted", request=request.key, kind=kind, client=job.owner.hex(), model=model)
        sink.accepted(model)
        return request

    def overdue(self, now: float) -> list[WorkerJob]:
        """Open jobs whose deadline has passed; each is given once."""
        due = []
        while self._deadlines and self._deadlines[0][0] <= now:
            request = heapq.heappop(self._deadlines)[2]
            if not request.ended:
                due.append(request)
        return due

    def next_deadline(self) -> float | None:
        while self._deadlines and self._deadlines[0][2].ended:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def deliver(self, request: WorkerJob, item: inner.DeltaItem, now: float) -> bool:
        """Pass on a piece of the answer. False when it does not follow the one before it."""
        if request.ended:
            return True
        if item.seq != request.next_seq:
            return False
        if request.first_at is None:
            request.first_at = now
        request.next_seq += item.n
        request.sink.delta(item)
        return True

    def complete(self, request: WorkerJob, message: inner.GenerationDone) -> bool:
        """Whether all that the worker sent has come; what was cancelled is not counted any more."""
        return request.ended or message.seq in (-1, request.next_seq)

    def done(self, request: WorkerJob, result: Result, now: float) -> None:
        if self._close(request, "done", now):
            request.sink.done(result)

    def cancelled(self, request: WorkerJob, now: float) -> None:
        if self._close(request, "cancelled", now):
            request.sink.cancelled(self._usage(request), request.timings(now))

    def broken(self, request: WorkerJob, failure: Failure, now: float) -> None:
        """End without a result, before or after content was delivered."""
        if self._close(request, "interrupted" if request.started else "failed", now, failure):
            timings = request.timings(now) if request.started else None
            request.sink.failed(failure, self._usage(request), timings)

    def _usage(self, request: WorkerJob) -> Usage:
        return Usage(completion_tokens=request.next_seq)

    def _close(self, request: WorkerJob, outcome: str, now: float, failure: Failure | None = None) -> bool:
        """Take it out; False when it has ended already."""
        if request.ended:
            return False
        request.ended = True
        del self._open[request.key]
        self._observe(
            "request_ended",
            request=request.key,
            model=request.model,
            outcome=outcome,
            code=failure.code if failure else "",
            tokens=request.next_seq,
            seconds=round(now - request.accepted_at, 3),
        )
        return True


def prompt_of(work: Work) -> dict[str, object]:
    """The words of a job, for a log that is to have them; never what is attached."""
    match work:
        case inner.Generate() | inner.CountTokens():
            said = [{"role": message.role, "content": message.text} for message in work.messages]
            return {"messages": said}
        case inner.CompleteText():
            return {"prompt": work.prompt, "suffix": work.suffix}
        case inner.EmbedTexts():
            return {"texts": work.texts}
        case inner.RerankTexts():
            return {"query": work.query, "texts": work.texts}
