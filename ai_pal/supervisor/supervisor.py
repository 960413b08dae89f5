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
from ai_pal.supervisor.attempts import Attempts
from ai_pal.supervisor.failures import CLOSING, EMPTY_PROMPT, UNLOADED, duplicate, late, overloaded
from ai_pal.supervisor.pool import Pool, PoolPolicy
from ai_pal.supervisor.ports import Clients, Clock, Jitter, Observe, Resolve, Workers
from ai_pal.supervisor.request import RequestTable
from ai_pal.supervisor.slot import Slot, Waiter
from ai_pal.supervisor.telling import Telling
from ai_pal.supervisor.unloads import Unloading, Unloads

CLOSING_INTERVAL = 0.02
"""Seconds between two looks at what is left while the supervisor stops."""


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
        self._clients, self._clock, self._observe = clients, clock, observe
        self.requests, self._telling = RequestTable(clients, observe), Telling(clients)
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
        self.pool.on_progress = self._telling.progress
        self.pool.on_give_up = self._give_up
        self._unloads = Unloads(clients)
        self._attempts = Attempts(
            self.requests, self.pool, clients=clients, workers=workers, clock=clock, telling=self._telling
        )
        self._interrupt_at: float | None = None

    # -- from clients --------------------------------------------------------------------------

    def chat(self, client: bytes, chat: wire.Chat) -> None:
        """Accept or refuse a chat request. A refused one gets `failed` without `accepted`."""
        now = self._clock.now()
        if self.requests.find(client, chat.id) is not None:
            self._clients.send(client, wire.Failed(0, [duplicate(chat.id)]))
            return
        try:
            slot = self._admit(chat)
        except AiPalError as error:
            self._refuse(client, chat, error.failure)
            return
        slot.keep(chat.keep_alive, chat.usual_keep_alive)
        request = self.requests.open(client, chat, slot.model, now)
        if self.pool.policy.log_prompts:
            self._observe("prompt", request=request.key, messages=msgspec.to_builtins(chat.messages))
        if request.deadline is not None:
            self._clock.wake_at(request.deadline)
        slot.queue.push(client, request)
        self.pool.apply(slot, lifecycle.Demand())
        self._attempts.dispatch(slot)
        self._telling.progress(slot)

    def cancel(self, client: bytes, request_id: int) -> None:
        """Stop a chat or load of this client. Unknown and ended ids are ignored: the end is on its way."""
        request = self.requests.find(client, request_id)
        if request is not None:
            self.requests.cancelled(request, self._clock.now())
            self._attempts.abandon(request)
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
        slot.keep(request.keep_alive, request.usual_keep_alive)
        if slot.state.phase is Phase.READY:
            self._clients.send(client, wire.Loaded(request.id, slot.model))
            if not slot.busy:
                self.pool.rest(slot)
            return
        slot.loaders.append(Waiter(client, request.id, self._clock.now()))
        self.pool.apply(slot, lifecycle.Demand(fresh=True))

    def unload(self, client: bytes, request: wire.Unload) -> None:
        """Unload one model or all. Waiting requests fail with `unloaded`, running ones are drained."""
        job = Unloading(client, request.id)
        model = self.pool.canonical(request.model)
        for slot in self.pool:
            if model not in ("", slot.model):
                continue
            if slot.process is not None:
                job.waiting.add(slot.model)
            self._fail_waiting(slot, UNLOADED)
            self.pool.apply(slot, lifecycle.StopWanted(UNLOADED, slot.busy))
        self._unloads.add(job)

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left: stop what it asked for. Loads go on, for they are kept warm for the next.

        With a `failure` the client is still there but broke a rule, and is told."""
        for request in self.requests.of_client(client):
            if failure is None:
                self.requests.cancelled(request, self._clock.now())
            else:
                self.requests.broken(request, failure, self._clock.now())
            self._attempts.abandon(request)
        for slot in self.pool:
            for waiter in slot.leave(client):
                if failure is not None:
                    self._clients.send(client, wire.Failed(waiter.id, [failure]))
        if failure is None:
            self._unloads.forget(client)

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
                self._attempts.deliver(slot, message.items)
            case inner.Beat():
                self.pool.apply(slot, lifecycle.Beat(message.steps, slot.busy))
            case inner.WorkerHello():
                self.pool.connected(slot)
            case inner.LoadProgress():
                self.pool.apply(slot, lifecycle.Alive(message.fraction))
                self._telling.progress(slot)
            case inner.Ready():
                self._ready(slot, message)
            case inner.LoadFailed():
                self.pool.apply(slot, lifecycle.Refused(message.failure))
            case inner.Reading():
                self._attempts.reading(slot, message)
            case inner.Trimmed():
                self._attempts.trimmed(slot, message)
            case inner.GenerationDone() | inner.GenerationCancelled() | inner.GenerationFailed():
                self._attempts.ended(slot, message)

    def worker_broken(self, worker: str, reason: str) -> None:
        """A worker broke the rules of the conversation: replace it."""
        slot = self.pool.of_worker(worker)
        if slot is not None:
            self._attempts.broken(slot, reason)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen whose time has come, and ask for the next tick."""
        now = self._clock.now()
        for request in self.requests.overdue(now):
            self.requests.broken(request, late(request), now)
            self._attempts.abandon(request)
        if self._interrupt_at is not None:
            if now >= self._interrupt_at:
                self.interrupt_all()
            else:
                self._clock.wake_at(self._interrupt_at)
        self.pool.tick(now)
        for slot in self.pool:
            self._attempts.tell_cancels(slot)
            self._attempts.dispatch(slot)
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
            raise AiPalError(EMPTY_PROMPT)
        slot = self.pool.slot(chat.model)
        if slot.queue.full:
            raise AiPalError(overloaded(slot))
        return slot

    def _refuse(self, client: bytes, request: wire.Chat | wire.Load, failure: Failure) -> None:
        fetch = request.pull and failure.code == Code.MODEL_NOT_HERE
        if not (fetch and self.fetch_first(client, request)):
            self._clients.send(client, wire.Failed(request.id, [failure]))

    def _refuse_when_closing(self) -> None:
        if self.pool.closing:
            raise AiPalError(CLOSING)

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
        self._attempts.dispatch(slot)
        self.pool.apply(slot, lifecycle.Tick())

    def _worker_gone(self, slot: Slot, failure: Failure) -> None:
        self._attempts.lost(slot, failure)
        self._unloads.gone(slot.model)

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
