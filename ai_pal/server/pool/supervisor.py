"""The supervisor actor: takes jobs, runs them on workers, and keeps the promise that each ends.

A synchronous reactor: every method runs to its end without waiting, so a decision and the change
that it gates are one step. The world behind it is `ports`; time comes from the clock it is given.
"""

from collections.abc import Callable

from ai_pal.catalog.references.refusals import of_reference
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.jobs import Job, Sink
from ai_pal.server.nodes.base import Launcher
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.controller import Admits
from ai_pal.server.pool.failures import CLOSING, DRAINED, UNLOADED, late, overloaded
from ai_pal.server.pool.jobs.job import JobTable, WorkerJob, prompt_of
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.group import Waiter
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.running.pool import Pool
from ai_pal.server.pool.serving.counting import by_vocabulary
from ai_pal.server.pool.serving.dispatcher import Dispatcher
from ai_pal.server.pool.serving.notifier import Notifier
from ai_pal.server.pool.serving.terms import worker_for
from ai_pal.server.pool.serving.unloads import Unloading, Unloads
from ai_pal.server.ports import Clients, Clock, Jitter, Observe, Resolve, Workers

UNREADY = tuple(phase for phase in Phase if phase is not Phase.READY)
"""Who waits for a load waits for workers in these: one that is ready has told them all."""

CLOSING_INTERVAL = 0.02
"""Seconds between two looks at what is left while the supervisor stops."""


class Supervisor:
    """See the module. Methods are called by both endpoints, the launcher and the clock. `used` hears of each
    model that is asked for."""

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
        admission: Admits | None = None,
        used: Callable[[Resolved], None] = lambda resolved: None,
    ) -> None:
        self._clients, self._clock, self._observe = clients, clock, observe
        self._resolve, self._used = resolve, used
        self.requests, self._notifier = JobTable(observe), Notifier(clients)
        self.pool = Pool(
            owner=self,
            launcher=launcher,
            workers=workers,
            clock=clock,
            resolve=resolve,
            jitter=jitter,
            observe=observe,
            policy=policy or PoolPolicy(),
            admission=admission,
        )
        self._unloads = Unloads(clients)
        self._dispatcher = Dispatcher(
            self.requests, self.pool, workers=workers, clock=clock, notifier=self._notifier
        )
        self._interrupt_at: float | None = None

    # -- jobs ----------------------------------------------------------------------------------

    def start(self, job: Job, sink: Sink) -> WorkerJob:
        """Accept a job; `sink` hears what becomes of it. Raises `AiPalError`: it was refused."""
        self._refuse_when_closing()
        resolved = job.resolved or self._resolve(job.model)
        resolved = resolved.kept_here if job.stays else resolved
        work = job.work
        if isinstance(work, inner.CountTokens) and by_vocabulary(work, self.pool.phase_of(resolved)):
            resolved = resolved.vocabulary
        worker = worker_for(self.pool, resolved) if job.background else self._worker_for(resolved)
        request = self._open(worker, job, sink)
        if self.pool.policy.log_prompts:
            self._observe("prompt", request=request.key, **prompt_of(job.work))
        if request.deadline is not None:
            self._clock.wake_at(request.deadline)
        self.pool.scaler.demand(worker)
        self._dispatcher.dispatch(worker)
        self._notifier.progress(worker)
        return request

    def stop(self, request: WorkerJob) -> None:
        """Cancel a job; its sink is told `cancelled`, unless the job has ended already."""
        self.requests.cancelled(request, self._clock.now())
        self._dispatcher.abandon(request)

    # -- from clients --------------------------------------------------------------------------

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """End a load or unload, for its client or for a reason. False: there is none with this id, or no
        more."""
        waiting = self.pool.standing(*UNREADY)
        left = [waiter for worker in waiting for waiter in worker.group.leave(client, request_id)]
        if not left and not self._unloads.leave(client, request_id):
            return False
        over = wire.Cancelled(request_id) if reason is None else wire.Failed(request_id, [reason])
        self._clients.send(client, over)
        return True

    def load(self, client: bytes, request: wire.Load, *, stays: bool = False) -> None:
        """Load a model; the client hears `loading` and then `loaded` or `failed`. Raises `AiPalError`: it was
        refused, and the client has not heard of that."""
        self._refuse_when_closing()
        resolved = self._resolve(request.model)
        worker = self._worker_for(resolved.kept_here if stays else resolved)
        self._keep(worker, request.keep_alive, request.usual_keep_alive)
        if worker.group.ready:
            self._clients.send(client, wire.Loaded(request.id, worker.model))
            for one in worker.group.members:
                if one.state.phase is Phase.READY and not one.busy:
                    self.pool.rest(one)
            return
        worker.loaders.append(Waiter(client, request.id, self._clock.now()))
        self.pool.scaler.demand(worker, fresh=True)

    def unload(self, client: bytes, request: wire.Unload) -> None:
        """Unload one model or all. Waiting requests fail with `unloaded`, running ones are drained. Who waits
        for a model of which only one replica is unloaded waits for the others."""
        job = Unloading(client, request.id)
        meant = self.pool.meant(request.model)
        for worker in meant:
            if worker.process is not None:
                job.waiting.add(worker.name)
            if all(one in meant for one in worker.group.members):
                self._fail_waiting(worker, UNLOADED)
            self.pool.apply(worker, lifecycle.StopWanted(UNLOADED, worker.busy))
        self._unloads.add(job)

    def drain(self, node: str) -> list[str]:
        """End what runs on a node, each worker when its answers are done: who waits is served elsewhere."""
        there = [worker for worker in self.pool if node in worker.nodes and worker.process is not None]
        for worker in there:
            self.pool.apply(worker, lifecycle.StopWanted(DRAINED, worker.busy))
        return [worker.model for worker in there]

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left. Loads go on, for they are kept warm for the next.

        With a `failure` the client is still there but broke a rule, and is told."""
        for worker in self.pool.standing(*UNREADY):
            for waiter in worker.group.leave(client):
                if failure is not None:
                    self._clients.send(client, wire.Failed(waiter.id, [failure]))
        for unload_id in self._unloads.leave(client):
            if failure is not None:
                self._clients.send(client, wire.Failed(unload_id, [failure]))

    def statuses(self) -> list[wire.WorkerStatus]:
        now = self._clock.now()
        every = [one for first in self.pool if first.number == 1 for one in first.group.members]
        return [worker.status(now) for worker in every if worker.state.phase is not Phase.GONE]

    @property
    def idle(self) -> bool:
        """No request is open, no model is loaded or loading, and nobody waits for one."""
        return not len(self.requests) and not any(worker.in_use for worker in self.pool)

    # -- from workers --------------------------------------------------------------------------

    def worker_message(self, identity: str, message: inner.FromWorker) -> None:
        """A message from the present incarnation of a worker; others are dropped, and so is what comes
        from one that is being killed: it may have lost something before."""
        worker = self.pool.of_worker(identity)
        if worker is None:
            self.pool.warm_pool.received(identity, message)
        elif worker.state.phase is not Phase.KILLING:
            self._take(worker, message)

    def _take(self, worker: ModelWorker, message: inner.FromWorker) -> None:
        match message:
            case inner.Deltas():
                self._dispatcher.deliver(worker, message.items)
            case inner.Beat():
                self.pool.apply(worker, lifecycle.Beat(message.steps, worker.busy))
            case inner.WorkerHello():
                self.pool.loads.connected(worker)
            case inner.LoadProgress():
                self.pool.apply(worker, lifecycle.Alive(message.fraction))
                self._notifier.progress(worker)
            case inner.Ready():
                self._ready(worker, message)
            case inner.LoadFailed():
                self.pool.apply(worker, lifecycle.Refused(of_reference(message.failure, worker.model)))
            case _:
                self._dispatcher.take(worker, message)

    def worker_broken(self, identity: str, reason: str) -> None:
        """A worker broke the rules of the conversation: replace it."""
        worker = self.pool.of_worker(identity)
        if worker is not None:
            self._dispatcher.broken(worker, reason)

    # -- from the pool -------------------------------------------------------------------------

    def worker_moved(self, worker: ModelWorker) -> None:
        self._notifier.progress(worker)

    def worker_gone(self, worker: ModelWorker, failure: Failure) -> None:
        self._dispatcher.lost(worker, failure)
        self._unloads.gone(worker.name)
        if worker.group.replicated:
            self._dispatcher.dispatch(worker)

    def given_up(self, worker: ModelWorker, failure: Failure) -> None:
        if self.pool.scaler.spares(worker, failure):
            return
        self._observe("model_failed", model=worker.name, code=failure.code, reason=failure.message)
        self._fail_waiting(worker, failure)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Do everything that is due by now, and ask for the next tick."""
        now = self._clock.now()
        for request in self.requests.overdue(now):
            self.requests.broken(request, late(request), now)
            self._dispatcher.abandon(request)
        if self._interrupt_at is not None:
            if now >= self._interrupt_at:
                self.interrupt_all()
            else:
                self._clock.wake_at(self._interrupt_at)
        self.pool.tick(now)
        self._dispatcher.tick()
        upcoming = self.requests.next_deadline()
        if upcoming is not None:
            self._clock.wake_at(upcoming)
        if self.pool.closing:
            self._clock.wake_at(now + CLOSING_INTERVAL)

    def shutdown(self, drain: float) -> None:
        """Take nothing new, let running requests go on for `drain` seconds, then end everything. The shortest
        time that was said counts."""
        now = self._clock.now()
        if not self.pool.closing:
            self.pool.closing, self._interrupt_at = True, now + drain
            self.pool.warm_pool.give_up("the supervisor stops")
            for worker in self.pool:
                self._fail_waiting(worker, CLOSING)
                self.pool.apply(worker, lifecycle.StopWanted(CLOSING, worker.busy))
        if self._interrupt_at is not None:
            self._interrupt_at = min(self._interrupt_at, now + drain)
        self._clock.wake_at(now + min(drain, CLOSING_INTERVAL))

    # -- inside --------------------------------------------------------------------------------

    def _worker_for(self, resolved: Resolved) -> ModelWorker:
        self._used(resolved)
        return worker_for(self.pool, resolved)

    def _open(self, worker: ModelWorker, job: Job, sink: Sink) -> WorkerJob:
        """Into the line with it, if that is not full for who asks."""
        counts = isinstance(job.work, inner.CountTokens)
        if (worker.counts if counts else worker.queue).full_for(job.owner, job.principal):
            raise AiPalError(overloaded(worker))
        self._keep(worker, job.keep_alive, job.usual_keep_alive)
        request = self.requests.open(job, sink, worker.model, self._clock.now(), worker.name)
        worker.group.line_of(request).push(job.owner, request, job.principal)
        return request

    def _keep(self, worker: ModelWorker, said: float | None, usual: float | None) -> None:
        """How long its model stays from now on, which may be less than before."""
        before = worker.keep_alive
        worker.group.keep(said, usual)
        if worker.keep_alive != before:
            self.pool.arm(worker)
            self.pool.changed(worker)

    def _refuse_when_closing(self) -> None:
        if self.pool.closing:
            raise AiPalError(CLOSING)

    def _ready(self, worker: ModelWorker, message: inner.Ready) -> None:
        if worker.state.phase not in lifecycle.COMING:
            return
        worker.info = message
        self.pool.ready(worker)
        for waiter in worker.loaders:
            self._clients.send(
                waiter.client, wire.Loaded(waiter.id, worker.model, self._clock.now() - waiter.since)
            )
        worker.loaders.clear()
        self._dispatcher.dispatch(worker)
        self.pool.apply(worker, lifecycle.Tick())

    def _fail_waiting(self, worker: ModelWorker, failure: Failure) -> None:
        for line in (worker.queue, worker.counts):
            while line:
                self.requests.broken(line.pop(), failure, self._clock.now())
        for waiter in worker.loaders:
            self._clients.send(waiter.client, wire.Failed(waiter.id, [failure]))
        worker.loaders.clear()

    def interrupt_all(self) -> None:
        """End what still runs: the drain time is over."""
        self._interrupt_at = None
        for request in self.requests:
            self.requests.broken(request, CLOSING, self._clock.now())
        for worker in self.pool:
            if worker.state.phase is Phase.DRAINING:
                self.pool.apply(worker, lifecycle.Drained())
            self._dispatcher.tell_cancels(worker)
