"""Jobs on workers: sends them, passes their answers on, cancels them, and retries each once.

Part of the supervisor's reactor: synchronous, like everything there."""

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.jobs import Answered
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.jobs.job import JobTable, WorkerJob
from ai_pal.server.pool.jobs.prefixes import KnownPrefixes, fingerprints
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.group import Group
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.replicas import Taker, taker
from ai_pal.server.pool.running.loads import RESEND_INTERVAL
from ai_pal.server.pool.running.pool import Pool
from ai_pal.server.pool.serving.notifier import Notifier
from ai_pal.server.ports import Clock, Workers

MAX_ATTEMPTS = 2
"""A request whose worker dies before the first content gets one more try on a fresh one."""

Finished = inner.GenerationDone | inner.Embedded | inner.Reranked | inner.Counted

REPEATED = "the model said the same over and over, and was stopped"


class Dispatcher:
    """Moves requests between a model's queue and its workers."""

    def __init__(
        self,
        requests: JobTable,
        pool: Pool,
        *,
        workers: Workers,
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._requests, self._pool, self._notifier = requests, pool, notifier
        self._workers, self._clock = workers, clock
        self._untold: dict[ModelWorker, None] = {}
        """Those who could not be sent something just now."""

    def tick(self) -> None:
        """Try again what could not be sent."""
        untold, self._untold = self._untold, {}
        for worker in untold:
            self.tell_cancels(worker)
            self.dispatch(worker)

    def dispatch(self, worker: ModelWorker) -> None:
        """Send the worker as many of the waiting requests as it takes; of replicas any."""
        if worker.group.replicated:
            self._share(worker.group)
            return
        sent = False
        while worker.counts and worker.state.phase is Phase.READY and self._send(worker, worker.counts.pop()):
            pass
        while worker.free > 0 and worker.queue and self._send(worker, worker.queue.pop()):
            sent = True
        if worker.queue and (sent or worker.state.phase is Phase.READY):
            self._notifier.positions(worker)

    def _share(self, group: Group[ModelWorker]) -> None:
        """Send waiting requests to replicas, as many as these take: each to the one that has read most of its
        prompt, else to the least busy."""
        ready = [one for one in group.members if one.state.phase is Phase.READY]
        while ready and group.counts:
            least = min(ready, key=lambda one: len(one.active))
            if not self._send(least, group.counts.pop()):
                ready.remove(least)
        ready = [one for one in group.members if one.state.phase is Phase.READY]
        while group.queue and (free := [one for one in ready if one.free > 0]):
            request = group.queue.pop()
            chosen = self._taker(group, free, request)
            if self._send(chosen, request):
                self._read_by(group, chosen, request)
            else:
                ready.remove(chosen)
        if ready and group.queue:
            self._notifier.positions(group.first)

    def _taker(self, group: Group[ModelWorker], free: list[ModelWorker], request: WorkerJob) -> ModelWorker:
        if request.prefixes is None:
            request.prefixes = fingerprints(request.job.work)
        known, prints = group.prefixes, request.prefixes
        takers = [
            Taker(one.number, one.taken, known.known(prints, one.number) if known is not None else 0)
            for one in free
        ]
        number = taker(takers)
        return next(one for one in free if one.number == number)

    def _read_by(self, group: Group[ModelWorker], worker: ModelWorker, request: WorkerJob) -> None:
        if group.prefixes is None:
            group.prefixes = KnownPrefixes()
        group.prefixes.reads(request.prefixes or (), worker.number)

    def _send(self, worker: ModelWorker, request: WorkerJob) -> bool:
        """Whether the worker has it now; else it is the next of all."""
        if not self._workers.send(worker.identity, request.message, request.job.blobs):
            worker.group.line_of(request).push_front(request.job.owner, request, request.job.principal)
            self._again(worker)
            return False
        worker.begin(request)
        if len(worker.active) == 1:
            self._pool.changed(worker)
        request.worker = worker.name
        request.attempts += 1
        request.dispatched_at = self._clock.now()
        return True

    def take(self, worker: ModelWorker, message: inner.FromWorker) -> None:
        """Handle a message of a worker that is not text."""
        match message:
            case inner.Reading():
                self._reading(worker, message)
            case inner.Probabilities():
                self._probabilities(worker, message)
            case inner.Watched() | inner.Probed():
                self._watched(worker, message)
            case inner.Trimmed():
                self._trimmed(worker, message)
            case inner.GenerationCancelled() | inner.GenerationFailed():
                self._ended(worker, message)
            case inner.GenerationDone() | inner.Embedded() | inner.Reranked() | inner.Counted():
                self._done(worker, message)

    def deliver(self, worker: ModelWorker, items: list[inner.DeltaItem]) -> None:
        now = self._clock.now()
        active, deliver = worker.active, self._requests.deliver
        for item in items:
            request = active.get(item.key)
            if request is not None and not deliver(request, item, now):
                self.broken(worker, "part of the answer was lost on the way")
                return

    def _probabilities(self, worker: ModelWorker, message: inner.Probabilities) -> None:
        request = worker.active.get(message.key)
        if request is not None and not request.ended:
            request.sink.news(wire.Logprobs(0, message.seq, message.tokens, message.prompt))

    def _watched(self, worker: ModelWorker, message: inner.Watched | inner.Probed) -> None:
        request = worker.active.get(message.key)
        if request is None or request.ended:
            return
        if isinstance(message, inner.Probed):
            request.sink.probed(message.entropy)
        else:
            request.sink.watched(message.entropies)

    def _trimmed(self, worker: ModelWorker, message: inner.Trimmed) -> None:
        request = worker.active.get(message.key)
        if request is not None and not request.ended:
            window = f"the window of {message.context} tokens"
            fits = "fits" if message.dropped == 1 else "fit"
            reason = f"the oldest {counted(message.dropped, 'turn')} no longer {fits} {window}"
            request.sink.news(wire.Notice(0, "trimmed", reason))

    def _reading(self, worker: ModelWorker, message: inner.Reading) -> None:
        """How far a prompt is read; nothing once content has come. The end of what was read soon tells how
        long it is, and is no news."""
        request = worker.active.get(message.key)
        if request is None or request.ended or request.started or message.done <= request.told_read:
            return
        if message.done == message.total:
            request.sink.read(message.total)
            if request.told_read < 0:
                return
        request.told_read = message.done
        request.sink.news(wire.Reading(0, request.model, message.done, message.total))

    def _done(self, worker: ModelWorker, message: Finished) -> None:
        """The worker has done a job."""
        request = worker.active.get(message.key)
        if request is None:
            return
        if not request.ends_with(message):
            self.broken(worker, "the worker answered what it was not asked")
            return
        if not isinstance(message, inner.GenerationDone):
            self._over(worker, request)
            self._requests.done(request, message, self._clock.now())
        elif self._requests.complete(request, message):
            self._over(worker, request)
            worker.has_read(message)
            self._answered(request, message)
        else:
            self.broken(worker, "the end of the answer was lost on the way")
            return
        self._next(worker)

    def _answered(self, request: WorkerJob, message: inner.GenerationDone) -> None:
        now = self._clock.now()
        if message.repeats and not request.ended:
            request.sink.news(wire.Notice(0, "repeats", REPEATED))
        timings = request.timings(now, message.prefill, message.decode)
        answered = Answered(message.finish_reason, message.usage, timings, message.stop, message.doubt)
        self._requests.done(request, answered, now)

    def _ended(
        self, worker: ModelWorker, message: inner.GenerationCancelled | inner.GenerationFailed
    ) -> None:
        """The worker is through with a job that it has not done."""
        request = worker.active.get(message.key)
        if request is None:
            return
        self._over(worker, request)
        if isinstance(message, inner.GenerationFailed):
            self._requests.broken(request, message.failure, self._clock.now())
        else:
            self._requests.cancelled(request, self._clock.now())
        self._next(worker)

    def _over(self, worker: ModelWorker, request: WorkerJob) -> None:
        worker.end(request)
        if not request.job.background:
            worker.served += 1
            worker.idle_since = self._clock.now()

    def _next(self, worker: ModelWorker) -> None:
        """There is room for others."""
        self.dispatch(worker)
        if not worker.busy:
            self._pool.rest(worker, since=worker.idle_since)

    def abandon(self, request: WorkerJob) -> None:
        """Stop the computing of a request that has ended for its client."""
        worker = self._pool.find(request.worker)
        if worker is None:
            return
        if request.key in worker.active:
            self.tell_cancels(worker)
        elif worker.group.line_of(request).remove(request.job.owner, request, request.job.principal):
            self._notifier.positions(worker)
            self._pool.changed(worker)
            if worker.state.phase is Phase.READY and not worker.busy and not worker.wanted:
                self._pool.rest(worker)

    def tell_cancels(self, worker: ModelWorker) -> None:
        """Tell the worker of every request that has ended while it still computes."""
        now = self._clock.now()
        for request in worker.active.values():
            if not request.ended or request.cancel_at is not None:
                continue
            if not self._workers.send(worker.identity, inner.CancelGeneration(request.key)):
                self._again(worker)
                return
            request.cancel_at = now
            self._pool.arm(worker)

    def _again(self, worker: ModelWorker) -> None:
        self._untold[worker] = None
        self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)

    def lost(self, worker: ModelWorker, failure: Failure) -> None:
        """The worker's process has ended: end or retry what ran in it."""
        now = self._clock.now()
        for request in reversed(worker.lose()):
            if request.ended:
                continue
            hopeless = not failure.retryable or self._pool.closing or worker.state.planned
            hopeless = hopeless or request.job.background
            if request.started or request.attempts >= MAX_ATTEMPTS or hopeless:
                self._requests.broken(request, failure, now)
            else:
                request.told_position, request.told_progress, request.told_read = 0, -1.0, -1
                request.worker = worker.group.first.name
                worker.group.line_of(request).push_front(request.job.owner, request, request.job.principal)
                request.sink.news(wire.Notice(0, "retry", failure.message))

    def broken(self, worker: ModelWorker, reason: str) -> None:
        """The worker broke the rules of the conversation: replace it."""
        self._pool.apply(worker, lifecycle.Condemned(Failure(Code.INTERNAL, reason, retryable=True)))
