"""One accepted chat request, and the table that makes sure that each ends exactly once."""

import heapq
from collections.abc import Iterator

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem, GenerationDone
from ai_pal.server.ports import Clients, Observe


class WorkerJob(msgspec.Struct, eq=False):
    """An open request. `key` is unique in this supervisor, (`client`, `chat.id`) for its client."""

    key: int
    client: bytes
    chat: wire.Chat
    model: str
    accepted_at: float
    deadline: float | None = None
    attempts: int = 0
    next_seq: int = 0
    dispatched_at: float | None = None
    first_at: float | None = None
    ended: bool = False
    cancel_at: float | None = None
    told_position: int = 0
    told_progress: float = -1.0
    told_reason: str = ""
    told_read: int = -1

    @property
    def started(self) -> bool:
        """Whether content was delivered: from then on there is no silent retry."""
        return self.first_at is not None

    def timings(self, now: float, prefill: float = 0.0, decode: float = 0.0) -> Timings:
        first = self.first_at if self.first_at is not None else now
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
    """All open requests by key and by client. The only place that sends terminal events."""

    def __init__(self, clients: Clients, observe: Observe) -> None:
        self._clients, self._observe = clients, observe
        self._open: dict[tuple[bytes, int], WorkerJob] = {}
        self._deadlines: list[tuple[float, int, WorkerJob]] = []
        self._next_key = 1

    def __len__(self) -> int:
        return len(self._open)

    def open(self, client: bytes, chat: wire.Chat, model: str, now: float) -> WorkerJob:
        """Accept a request. The caller has checked that its id is free."""
        deadline = None if chat.deadline is None else now + chat.deadline
        request = WorkerJob(self._next_key, client, chat, model, now, deadline)
        self._next_key += 1
        self._open[client, chat.id] = request
        if deadline is not None:
            heapq.heappush(self._deadlines, (deadline, request.key, request))
        self._observe("request_accepted", request=request.key, client=client.hex(), id=chat.id, model=model)
        self._clients.send(client, wire.Accepted(chat.id))
        return request

    def find(self, client: bytes, request_id: int) -> WorkerJob | None:
        return self._open.get((client, request_id))

    def of_client(self, client: bytes) -> list[WorkerJob]:
        return [request for (owner, _), request in self._open.items() if owner == client]

    def __iter__(self) -> Iterator[WorkerJob]:
        return iter(list(self._open.values()))

    def overdue(self, now: float) -> list[WorkerJob]:
        """Open requests whose deadline has passed; each is given once."""
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

    def deliver(self, request: WorkerJob, item: DeltaItem, now: float) -> bool:
        """Forward a piece of the answer. False when it does not follow the one before it."""
        if request.ended:
            return True
        if item.seq != request.next_seq:
            return False
        if request.first_at is None:
            request.first_at = now
            started = wire.Started(request.chat.id, 1, "local", request.model, "a worker on this machine")
            self._clients.send(request.client, started)
        request.next_seq += item.n
        self._clients.send(
            request.client,
            wire.ForwardedDelta(
                request.chat.id,
                item.seq,
                item.n,
                item.text,
                item.kind,
                item.index,
                item.call,
                item.name,
            ),
        )
        return True

    def complete(self, request: WorkerJob, message: GenerationDone) -> bool:
        """Whether all that the worker sent has come; what was cancelled is not counted any more."""
        return request.ended or message.seq in (-1, request.next_seq)

    def done(
        self, request: WorkerJob, now: float, finish_reason: FinishReason, usage: Usage, timings: Timings
    ) -> None:
        self._end(request, wire.Done(request.chat.id, finish_reason, usage, timings), now)

    def cancelled(self, request: WorkerJob, now: float) -> None:
        usage, timings = self._usage(request), request.timings(now)
        self._end(request, wire.Cancelled(request.chat.id, usage, timings), now)

    def broken(self, request: WorkerJob, failure: Failure, now: float) -> None:
        """End without an answer: `interrupted` once content was delivered, `failed` before."""
        if request.started:
            usage, timings = self._usage(request), request.timings(now)
            self._end(request, wire.Interrupted(request.chat.id, failure, usage, timings), now, failure)
        else:
            self._end(request, wire.Failed(request.chat.id, [failure]), now, failure)

    def _usage(self, request: WorkerJob) -> Usage:
        return Usage(completion_tokens=request.next_seq)

    def _end(self, request: WorkerJob, event: wire.Event, now: float, failure: Failure | None = None) -> None:
        if request.ended:
            return
        request.ended = True
        del self._open[request.client, request.chat.id]
        self._clients.send(request.client, event)
        self._observe(
            "request_ended",
            request=request.key,
            model=request.model,
            outcome=type(event).__name__.lower(),
            code=failure.code if failure else "",
            tokens=request.next_seq,
            seconds=round(now - request.accepted_at, 3),
        )
