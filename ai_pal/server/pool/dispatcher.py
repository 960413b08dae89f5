"""Requests on workers: sent to them, their answers passed on, called off, and tried again once.

Part of the supervisor's reactor: synchronous, like everything there."""

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.job import JobTable, WorkerJob
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.model_worker import ModelWorker
from ai_pal.server.pool.notifier import Notifier
from ai_pal.server.pool.pool import RESEND_INTERVAL, Pool
from ai_pal.server.ports import Clients, Clock, Workers

MAX_ATTEMPTS = 2
"""A request whose worker dies before the first content gets one more try on a fresh one."""

REPEATED = "the model said the same over and over, and was stopped"


class Dispatcher:
    """Moves requests between a model's queue and its worker."""

    def __init__(
        self,
        requests: JobTable,
        pool: Pool,
        *,
        clients: Clients,
        workers: Workers,
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        self._requests, self._pool, self._notifier = requests, pool, notifier
        self._clients, self._workers, self._clock = clients, workers, clock

    def dispatch(self, worker: ModelWorker) -> None:
        """Send the worker as many of the waiting requests as it takes."""
        sent = False
        while worker.free > 0 and worker.queue:
            request = worker.queue.pop()
            generate = inner.Generate(request.key, request.chat.messages, request.chat.options)
            if not self._workers.send(worker.identity, generate):
                worker.queue.push_front(request.client, request)
                self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
                break
            worker.active[request.key] = request
            request.attempts += 1
            request.dispatched_at = self._clock.now()
            sent = True
        if worker.queue and (sent or worker.state.phase is Phase.READY):
            self._notifier.positions(worker)

    def take(self, worker: ModelWorker, message: inner.FromWorker) -> None:
        """What is rarer than text."""
        match message:
            case inner.Reading():
                self._reading(worker, message)
            case inner.Probabilities():
                self._probabilities(worker, message)
            case inner.Trimmed():
                self._trimmed(worker, message)
            case inner.GenerationDone() | inner.GenerationCancelled() | inner.GenerationFailed():
                self._ended(worker, message)

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
            event = wire.Logprobs(request.chat.id, message.seq, message.tokens)
            self._clients.send(request.client, event)

    def _trimmed(self, worker: ModelWorker, message: inner.Trimmed) -> None:
        request = worker.active.get(message.key)
        if request is not None and not request.ended:
            window = f"the window of {message.context} tokens"
            fits = "fits" if message.dropped == 1 else "fit"
            reason = f"the oldest {counted(message.dropped, 'turn')} no longer {fits} {window}"
            self._clients.send(request.client, wire.Notice(request.chat.id, "trimmed", reason))

    def _reading(self, worker: ModelWorker, message: inner.Reading) -> None:
        """How far a prompt is read; nothing once content has come."""
        request = worker.active.get(message.key)
        if request is None or request.ended or request.started or message.done <= request.told_read:
            return
        request.told_read = message.done
        event = wire.Reading(request.chat.id, request.model, message.done, message.total)
        self._clients.send(request.client, event)

    def _ended(
        self,
        worker: ModelWorker,
        message: inner.GenerationDone | inner.GenerationCancelled | inner.GenerationFailed,
    ) -> None:
        """The worker is through with a request: its client hears the end, the next one takes its place."""
        request = worker.active.get(message.key)
        if request is None:
            return
        if isinstance(message, inner.GenerationDone) and not self._requests.complete(request, message):
            self.broken(worker, "the end of the answer was lost on the way")
            return
        del worker.active[message.key]
        now = self._clock.now()
        worker.served += 1
        match message:
            case inner.GenerationDone():
                if message.repeats and not request.ended:
                    self._clients.send(request.client, wire.Notice(request.chat.id, "repeats", REPEATED))
                timings = request.timings(now, message.prefill, message.decode)
                self._requests.done(request, now, message.finish_reason, message.usage, timings)
            case inner.GenerationCancelled():
                self._requests.cancelled(request, now)
            case inner.GenerationFailed():
                self._requests.broken(request, message.failure, now)
        self.dispatch(worker)
        if not worker.busy:
            self._pool.rest(worker)

    def abandon(self, request: WorkerJob) -> None:
        """Stop the computing of a request that has ended for its client."""
        worker = self._pool.find(request.model)
        if worker is None:
            return
        if request.key in worker.active:
            self.tell_cancels(worker)
        elif worker.queue.remove(request.client, request):
            self._notifier.positions(worker)

    def tell_cancels(self, worker: ModelWorker) -> None:
        """Tell the worker of every request that has ended while it still computes."""
        now = self._clock.now()
        for request in worker.active.values():
            if not request.ended or request.cancel_at is not None:
                continue
            if not self._workers.send(worker.identity, inner.CancelGeneration(request.key)):
                self._clock.wake_at(now + RESEND_INTERVAL)
                return
            request.cancel_at = now
            self._clock.wake_at(now + self._pool.policy.cancel_timeout)

    def lost(self, worker: ModelWorker, failure: Failure) -> None:
        """The worker's process has ended: end or retry what ran in it."""
        now, running = self._clock.now(), list(worker.active.values())
        worker.active.clear()
        for request in reversed(running):
            if request.ended:
                continue
            hopeless = not failure.retryable or self._pool.closing or worker.state.planned
            if request.started or request.attempts >= MAX_ATTEMPTS or hopeless:
                self._requests.broken(request, failure, now)
            else:
                request.told_position, request.told_progress, request.told_read = 0, -1.0, -1
                worker.queue.push_front(request.client, request)
                self._clients.send(request.client, wire.Notice(request.chat.id, "retry", failure.message))

    def broken(self, worker: ModelWorker, reason: str) -> None:
        """The worker broke the rules of the conversation: replace it."""
        self._pool.apply(worker, lifecycle.Condemned(Failure(Code.INTERNAL, reason, retryable=True)))
