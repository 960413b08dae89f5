"""The supervisor actor: takes requests, runs them on workers, and keeps the promise that each ends.

A synchronous reactor: every method runs to its end without waiting, so a decision and the change
that it gates are one step. The world behind it is `ports`; time comes from the clock it is given.
"""

from collections.abc import Callable

import msgspec

from ai_pal import lifecycle
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.launchers.base import Launcher
from ai_pal.lifecycle import Phase
from ai_pal.messages import client as wire
from ai_pal.messages import worker as inner
from ai_pal.supervisor.admission import Admission
from ai_pal.supervisor.pool import RESEND_INTERVAL, Pool, PoolPolicy
from ai_pal.supervisor.ports import Clients, Clock, Jitter, Observe, Resolve, Workers
from ai_pal.supervisor.request import Request, RequestTable
from ai_pal.supervisor.slot import Slot, Waiter

MAX_ATTEMPTS = 2
"""A request whose worker dies before the first content gets one more try on a fresh one."""

CLOSING_INTERVAL = 0.02
"""Seconds between two looks at what is left while the supervisor stops."""


class Unloading(msgspec.Struct, eq=False):
    """An unload under way for a client: the models it still waits for, and those that are gone."""

    client: bytes
    id: int
    waiting: set[str]
    gone: list[str] = msgspec.field(default_factory=list)


class Supervisor:
    """See the module. Methods are called by the front door, the worker link, the launcher and the clock.

    `fetch_first` takes over a request whose model is not here, False when it cannot."""

    fetch_first: Callable[[bytes, wire.Chat | wire.Load], bool] = staticmethod(lambda client, request: False)

    def __init__(
        self,
        *,
        clients: Clients,
        workers: Workers,
        launcher: Launcher,
        clock: Clock,
        resolve: Resolve,
        jitter: Jitter,
        observe: Observe,
        policy: PoolPolicy | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._clients, self._workers, self._clock, self._observe = clients, workers, clock, observe
        self.requests = RequestTable(clients, observe)
        self.pool = Pool(
            launcher=launcher,
            workers=workers,
            clock=clock,
            resolve=resolve,
            jitter=jitter,
            observe=observe,
            policy=policy or PoolPolicy(),
            admission=admission,
        )
        self.pool.on_exit = self._worker_gone
        self.pool.on_progress = self._tell_progress
        self.pool.on_give_up = self._give_up
        self._unloadings: list[Unloading] = []
        self._interrupt_at: float | None = None

    # -- from clients --------------------------------------------------------------------------

    def chat(self, client: bytes, chat: wire.Chat) -> None:
        """Accept or refuse a chat request. A refused one gets `failed` without `accepted`."""
        now = self._clock.now()
        if self.requests.find(client, chat.id) is not None:
            twice = Failure(Code.DUPLICATE_ID, f"request id {chat.id} is still open", "use a new id")
            self._clients.send(client, wire.Failed(0, [twice]))
            return
        try:
            slot = self._admit(chat)
        except AiPalError as error:
            self._refuse(client, chat, error.failure)
            return
        if chat.keep_alive is not None:
            slot.keep_alive = chat.keep_alive
        request = self.requests.open(client, chat, slot.model, now)
        if self.pool.policy.log_prompts:
            self._observe("prompt", request=request.key, messages=msgspec.to_builtins(chat.messages))
        if request.deadline is not None:
            self._clock.wake_at(request.deadline)
        slot.queue.push(client, request)
        self.pool.apply(slot, lifecycle.Demand())
        self._dispatch(slot)
        self._tell_progress(slot)

    def cancel(self, client: bytes, request_id: int) -> None:
        """Stop a chat or load of this client. Unknown and ended ids are ignored: the end is on its way."""
        request = self.requests.find(client, request_id)
        if request is not None:
            self.requests.cancelled(request, self._clock.now())
            self._abandon(request)
            return
        for slot in self.pool:
            for waiter in slot.leave(client, request_id):
                self._clients.send(client, wire.Cancelled(waiter.id))

    def load(self, client: bytes, request: wire.Load) -> None:
        """Load a model; the client hears `loading` and then `loaded` or `failed`."""
        try:
            self._refuse_when_closing()
            slot = self.pool.slot(request.model)
        except AiPalError as error:
            self._refuse(client, request, error.failure)
            return
        if request.keep_alive is not None:
            slot.keep_alive = request.keep_alive
        if slot.state.phase is Phase.READY:
            self._clients.send(client, wire.Loaded(request.id, slot.model))
            if not slot.busy:
                self.pool.rest(slot)
            return
        slot.loaders.append(Waiter(client, request.id, self._clock.now()))
        self.pool.apply(slot, lifecycle.Demand(fresh=True))

    def unload(self, client: bytes, request: wire.Unload) -> None:
        """Unload one model or all. Waiting requests fail with `unloaded`, running ones are drained."""
        job = Unloading(client, request.id, set())
        reason = Failure(
            Code.UNLOADED, "the model was unloaded on request", "ask again to load it", retryable=True
        )
        model = self.pool.canonical(request.model)
        for slot in self.pool:
            if model not in ("", slot.model):
                continue
            if slot.process is not None:
                job.waiting.add(slot.model)
            self._fail_waiting(slot, reason)
            self.pool.apply(slot, lifecycle.StopWanted(reason, slot.busy))
        self._unloadings.append(job)
        self._settle_unloadings()

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left: stop what it asked for. Loads go on, for they are kept warm for the next.

        With a `failure` the client is still there but broke a rule, and is told."""
        for request in self.requests.of_client(client):
            if failure is None:
                self.requests.cancelled(request, self._clock.now())
            else:
                self.requests.broken(request, failure, self._clock.now())
            self._abandon(request)
        for slot in self.pool:
            for waiter in slot.leave(client):
                if failure is not None:
                    self._clients.send(client, wire.Failed(waiter.id, [failure]))
        if failure is None:
            self._unloadings = [job for job in self._unloadings if job.client != client]

    def statuses(self) -> list[wire.WorkerStatus]:
        now = self._clock.now()
        return [slot.status(now) for slot in self.pool if slot.state.phase is not Phase.GONE]

    @property
    def idle(self) -> bool:
        """No request is open and no model is loaded or loading."""
        return not len(self.requests) and all(slot.process is None for slot in self.pool)

    # -- from workers --------------------------------------------------------------------------

    def worker_message(self, worker: str, message: inner.FromWorker) -> None:
        """A message from the present incarnation of a worker; others are dropped, and so is what comes
        from one that is being killed: it may have lost something before."""
        slot = self.pool.of_worker(worker)
        if slot is None:
            self.pool.spares.received(worker, message)
        elif slot.state.phase is not Phase.KILLING:
            self._take(slot, message)

    def _take(self, slot: Slot, message: inner.FromWorker) -> None:
        match message:
            case inner.Deltas():
                self._deliver(slot, message.items)
            case inner.Beat():
                self.pool.apply(slot, lifecycle.Beat(message.steps, slot.busy))
            case inner.WorkerHello():
                self.pool.connected(slot)
            case inner.LoadProgress():
                self.pool.apply(slot, lifecycle.Alive(message.fraction))
                self._tell_progress(slot)
            case inner.Ready():
                self._ready(slot, message)
            case inner.LoadFailed():
                self.pool.apply(slot, lifecycle.Refused(message.failure))
            case inner.Trimmed():
                self._trimmed(slot, message)
            case inner.GenerationDone() | inner.GenerationCancelled() | inner.GenerationFailed():
                self._generation_ended(slot, message)

    def worker_broken(self, worker: str, reason: str) -> None:
        """A worker broke the rules of the conversation: replace it."""
        slot = self.pool.of_worker(worker)
        if slot is not None:
            self.pool.apply(slot, lifecycle.Condemned(Failure(Code.INTERNAL, reason, retryable=True)))

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen whose time has come, and ask for the next tick."""
        now = self._clock.now()
        for request in self.requests.overdue(now):
            late = Failure(
                Code.DEADLINE_EXCEEDED,
                f"the deadline of {request.chat.deadline:g} s passed",
                "allow more time with --deadline",
                retryable=True,
            )
            self.requests.broken(request, late, now)
            self._abandon(request)
        if self._interrupt_at is not None:
            if now >= self._interrupt_at:
                self.interrupt_all()
            else:
                self._clock.wake_at(self._interrupt_at)
        self.pool.tick(now)
        for slot in self.pool:
            self._tell_cancels(slot)
            self._dispatch(slot)
        upcoming = self.requests.next_deadline()
        if upcoming is not None:
            self._clock.wake_at(upcoming)
        if self.pool.closing:
            self._clock.wake_at(now + CLOSING_INTERVAL)

    def shutdown(self, drain: float) -> None:
        """Take nothing new, let running requests go on for `drain` seconds, then end everything."""
        if self.pool.closing:
            return
        self.pool.closing = True
        self.pool.spares.give_up("the supervisor stops")
        for slot in self.pool:
            self._fail_waiting(slot, CLOSING)
            self.pool.apply(slot, lifecycle.StopWanted(CLOSING, slot.busy))
        self._interrupt_at = self._clock.now() + drain
        self._clock.wake_at(self._clock.now() + CLOSING_INTERVAL)

    # -- inside --------------------------------------------------------------------------------

    def _admit(self, chat: wire.Chat) -> Slot:
        self._refuse_when_closing()
        if not any(m.role == "user" and m.content.strip() for m in chat.messages):
            raise AiPalError(Failure(Code.EMPTY_PROMPT, "the prompt is empty", "say something"))
        slot = self.pool.slot(chat.model)
        if slot.queue.full:
            message = f"{slot.model} is overloaded: {len(slot.queue)} requests wait"
            raise AiPalError(
                Failure(Code.OVERLOADED, message, "try again later", retryable=True, retry_after=1.0)
            )
        return slot

    def _refuse(self, client: bytes, request: wire.Chat | wire.Load, failure: Failure) -> None:
        fetch = request.pull and failure.code == Code.MODEL_NOT_HERE
        if not (fetch and self.fetch_first(client, request)):
            self._clients.send(client, wire.Failed(request.id, [failure]))

    def _refuse_when_closing(self) -> None:
        if self.pool.closing:
            raise AiPalError(CLOSING)

    def _dispatch(self, slot: Slot) -> None:
        sent = False
        while slot.free > 0 and slot.queue:
            request = slot.queue.pop()
            generate = inner.Generate(request.key, request.chat.messages, request.chat.options)
            if not self._workers.send(slot.worker, generate):
                slot.queue.push_front(request.client, request)
                self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
                break
            slot.active[request.key] = request
            request.attempts += 1
            request.dispatched_at = self._clock.now()
            sent = True
        if slot.queue and (sent or slot.state.phase is Phase.READY):
            self._tell_positions(slot)

    def _tell_positions(self, slot: Slot) -> None:
        for position, request in enumerate(slot.queue, 1):
            if request.told_position != position:
                request.told_position = position
                self._clients.send(request.client, wire.Queued(request.chat.id, position))

    def _tell_progress(self, slot: Slot) -> None:
        if slot.state.phase is Phase.WAITING:
            self._tell_waiting(slot)
        if slot.state.phase not in (Phase.STARTING, Phase.LOADING):
            return
        progress = slot.state.progress
        for request in slot.queue:
            if progress > request.told_progress:
                request.told_progress = progress
                self._clients.send(request.client, wire.Loading(request.chat.id, slot.model, progress))
        for waiter in slot.loaders:
            self._clients.send(waiter.client, wire.Loading(waiter.id, slot.model, progress))

    def _tell_waiting(self, slot: Slot) -> None:
        """Tell everybody who waits, once, why the load has to wait for memory."""
        reason = slot.state.reason.message if slot.state.reason else ""
        for request in slot.queue:
            if request.told_reason != reason:
                request.told_reason = reason
                self._clients.send(request.client, wire.Loading(request.chat.id, slot.model, 0.0, reason))
        for number, waiter in enumerate(slot.loaders):
            if waiter.told_reason != reason:
                slot.loaders[number] = msgspec.structs.replace(waiter, told_reason=reason)
                self._clients.send(waiter.client, wire.Loading(waiter.id, slot.model, 0.0, reason))

    def _deliver(self, slot: Slot, items: list[inner.DeltaItem]) -> None:
        now = self._clock.now()
        active, deliver = slot.active, self.requests.deliver
        for item in items:
            request = active.get(item.key)
            if request is not None and not deliver(request, item, now):
                self.worker_broken(slot.worker, "part of the answer was lost on the way")
                return

    def _ready(self, slot: Slot, message: inner.Ready) -> None:
        if slot.state.phase not in (Phase.STARTING, Phase.LOADING):
            return
        slot.info = message
        self.pool.ready(slot)
        for waiter in slot.loaders:
            self._clients.send(
                waiter.client, wire.Loaded(waiter.id, slot.model, self._clock.now() - waiter.since)
            )
        slot.loaders.clear()
        self._dispatch(slot)
        self.pool.apply(slot, lifecycle.Tick())

    def _trimmed(self, slot: Slot, message: inner.Trimmed) -> None:
        request = slot.active.get(message.key)
        if request is not None and not request.ended:
            window = f"the window of {message.context} tokens"
            reason = f"the oldest {message.dropped} turns no longer fit {window}"
            self._clients.send(request.client, wire.Notice(request.chat.id, "trimmed", reason))

    def _generation_ended(
        self,
        slot: Slot,
        message: inner.GenerationDone | inner.GenerationCancelled | inner.GenerationFailed,
    ) -> None:
        request = slot.active.get(message.key)
        if request is None:
            return
        if isinstance(message, inner.GenerationDone) and not self.requests.complete(request, message):
            self.worker_broken(slot.worker, "the end of the answer was lost on the way")
            return
        del slot.active[message.key]
        now = self._clock.now()
        slot.served += 1
        match message:
            case inner.GenerationDone():
                timings = request.timings(now, message.prefill, message.decode)
                self.requests.done(request, now, message.finish_reason, message.usage, timings)
            case inner.GenerationCancelled():
                self.requests.cancelled(request, now)
            case inner.GenerationFailed():
                self.requests.broken(request, message.failure, now)
        self._dispatch(slot)
        if not slot.busy:
            self.pool.rest(slot)

    def _abandon(self, request: Request) -> None:
        """Stop the computing of a request that has ended for its client."""
        slot = self.pool.find(request.model)
        if slot is None:
            return
        if request.key in slot.active:
            self._tell_cancels(slot)
        elif slot.queue.remove(request.client, request):
            self._tell_positions(slot)

    def _tell_cancels(self, slot: Slot) -> None:
        """Tell the worker of every request that has ended while it still computes."""
        now = self._clock.now()
        for request in slot.active.values():
            if not request.ended or request.cancel_at is not None:
                continue
            if not self._workers.send(slot.worker, inner.CancelGeneration(request.key)):
                self._clock.wake_at(now + RESEND_INTERVAL)
                return
            request.cancel_at = now
            self._clock.wake_at(now + self.pool.policy.cancel_timeout)

    def _worker_gone(self, slot: Slot, failure: Failure) -> None:
        """The worker's process has ended: end or retry what ran in it."""
        now, running = self._clock.now(), list(slot.active.values())
        slot.active.clear()
        for request in reversed(running):
            if request.ended:
                continue
            hopeless = not failure.retryable or self.pool.closing
            if request.started or request.attempts >= MAX_ATTEMPTS or hopeless:
                self.requests.broken(request, failure, now)
            else:
                request.told_position, request.told_progress = 0, -1.0
                slot.queue.push_front(request.client, request)
                self._clients.send(request.client, wire.Notice(request.chat.id, "retry", failure.message))
        for job in self._unloadings:
            if slot.model in job.waiting:
                job.waiting.discard(slot.model)
                job.gone.append(slot.model)
        self._settle_unloadings()

    def _settle_unloadings(self) -> None:
        for job in [job for job in self._unloadings if not job.waiting]:
            self._unloadings.remove(job)
            self._clients.send(job.client, wire.Unloaded(job.id, job.gone))

    def _give_up(self, slot: Slot, failure: Failure) -> None:
        self._observe("model_failed", model=slot.model, code=failure.code, reason=failure.message)
        self._fail_waiting(slot, failure)

    def _fail_waiting(self, slot: Slot, failure: Failure) -> None:
        while slot.queue:
            self.requests.broken(slot.queue.pop(), failure, self._clock.now())
        for waiter in slot.loaders:
            self._clients.send(waiter.client, wire.Failed(waiter.id, [failure]))
        slot.loaders.clear()

    def interrupt_all(self) -> None:
        """End what still runs: the drain time is over."""
        self._interrupt_at = None
        for request in self.requests:
            self.requests.broken(request, CLOSING, self._clock.now())
        for slot in self.pool:
            if slot.state.phase is Phase.DRAINING:
                self.pool.apply(slot, lifecycle.Drained())


CLOSING = Failure(
    Code.SHUTTING_DOWN, "the supervisor is shutting down", "ask again in a moment", retryable=True
)
