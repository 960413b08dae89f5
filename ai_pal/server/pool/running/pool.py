"""The pool of models' workers: drives each one's life and carries out what the lifecycle decides."""

from typing import Protocol

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.server.nodes.base import ExitStatus, Launcher, WorkerProcess
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.controller import (
    HOLDING,
    ROOM_LOOK_INTERVAL,
    AdmissionController,
    Admits,
)
from ai_pal.server.pool.failures import IGNORED_CANCEL
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.roster import Roster
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.running import exits
from ai_pal.server.pool.running.agenda import Agenda
from ai_pal.server.pool.running.loads import LOOK_INTERVAL, Loads
from ai_pal.server.pool.running.processes import Processes
from ai_pal.server.pool.running.scaler import Scaler
from ai_pal.server.ports import Clock, Jitter, Observe, Resolve, Workers

PUTS_OFF = (lifecycle.Alive, lifecycle.Beat, lifecycle.Demand)
"""Signs of life, and somebody who waits: what is due of their worker is due later, if at all."""

MEMORY_LOOK_INTERVAL = 10.0
"""Seconds between two looks at what a loaded model has taken: the system remembers its peak meanwhile, and
one look costs as much as the rest of a short answer."""


class PoolOwner(Protocol):
    """Is told what happens to workers."""

    def worker_gone(self, worker: ModelWorker, failure: Failure) -> None:
        """Its process has ended; says why."""

    def worker_moved(self, worker: ModelWorker) -> None:
        """Its load has made progress, or waits."""

    def given_up(self, worker: ModelWorker, failure: Failure) -> None:
        """Its model cannot be loaded for now."""


class Pool(Roster):
    """Owns the workers, and tells its `owner` what becomes of them."""

    def __init__(
        self,
        *,
        owner: PoolOwner,
        launcher: Launcher,
        workers: Workers,
        clock: Clock,
        resolve: Resolve,
        jitter: Jitter,
        observe: Observe,
        policy: PoolPolicy,
        admission: Admits | None = None,
    ) -> None:
        super().__init__(resolve)
        self._owner, self._clock, self._jitter, self._observe = owner, clock, jitter, observe
        self.warm_pool = WarmPool(launcher, workers, observe)
        self._processes = Processes(launcher, self.warm_pool, observe, self._exited)
        self.loads = Loads(workers, clock=clock, apply=self.apply, told=owner.worker_moved)
        self.admission = AdmissionController(
            admission,
            self,
            self.warm_pool,
            clock=clock,
            observe=observe,
            apply=self.apply,
            told=owner.worker_moved,
        )
        self.scaler = Scaler(self, clock=clock, observe=observe, apply=self.apply)
        self._agenda = Agenda(self._due_at)
        self.policy = policy
        self.closing = False

    def process_of(self, identity: str) -> WorkerProcess | None:
        """The process with this identity, of a model's worker or the spare one."""
        worker = self.of_worker(identity)
        return worker.process if worker is not None else self.warm_pool.process_of(identity)

    def apply(self, worker: ModelWorker, event: lifecycle.AnyEvent) -> None:
        """One transition of the worker, and its effects."""
        before = worker.state.phase
        if worker.group.replicated and isinstance(event, lifecycle.StopWanted):
            self.scaler.hold(worker.group)  # whoever ended it would have to end it again
        worker.state, actions = lifecycle.step(worker.state, event, self._clock.now(), self.policy.worker)
        if worker.state.phase is not before:
            self.moved(worker, before)
            self.changed(worker)
            state = worker.state
            why = {"reason": state.reason.message} if state.reason is not None else {}
            self._observe(
                "worker_phase", model=worker.name, worker=worker.identity, phase=str(state.phase), **why
            )
        if worker.state.phase not in HOLDING and (worker.admitted or worker.reserved):
            self.admission.release(worker)
        for action in actions:
            self._act(worker, action)
        if worker.state.phase is not before or not isinstance(event, PUTS_OFF):
            self.arm(worker)

    def tick(self, now: float) -> None:
        """Look at loading processes, let budgets run out, reap what is idle, forget what is gone: of all
        workers only at those of which something may be due."""
        self.admission.relieve(now)
        for worker in sorted(self.standing(Phase.WAITING), key=lambda worker: worker.state.since):
            if worker.state.phase is Phase.WAITING and worker.wanted and self.admission.has(worker):
                self.apply(worker, lifecycle.Room())
        for worker in self.standing(*lifecycle.COMING):
            self.loads.look(worker)
        groups = self.scaler.due(now)
        going = [worker for group in groups if group.goes(now) for worker in group.members]
        for worker in dict.fromkeys([*self.standing(Phase.WAITING), *self._agenda.due(now), *going]):
            self._attend(worker, now)
        for worker in self.standing(Phase.GONE):
            if self.forget(worker, now - self.policy.worker.crash_window):
                self._forgotten(worker)
        for group in dict.fromkeys([*groups, *self.scaler.due(now)]):
            self.scaler.scale(group)
        self._wake(now)

    def _forgotten(self, worker: ModelWorker) -> None:
        """Nothing is due of it; of a model's replicas the one that is left goes when its own time comes."""
        self._agenda.drop(worker)
        for one in worker.group.members:
            self._agenda.put(one)

    def _attend(self, worker: ModelWorker, now: float) -> None:
        """Do what is due of it."""
        self.apply(worker, lifecycle.Tick(wanted=self.scaler.is_needed(worker)))
        unload_at = worker.unload_at()
        if unload_at is not None and unload_at <= now:
            idle = Failure(Code.UNLOADED, f"idle for {now - worker.idle_since:.0f} s")
            self.apply(worker, lifecycle.StopWanted(idle, busy=False))
        if worker.cancelled_since(now - self.policy.cancel_timeout):
            self.apply(worker, lifecycle.Condemned(IGNORED_CANCEL))
        if worker.look_at is not None and worker.look_at <= now:
            self._learn(worker)

    def _learn(self, worker: ModelWorker) -> None:
        """The most memory that it has had, for the next load and what is promised to it now."""
        worker.looked_at, worker.look_at = self._clock.now(), None
        self.admission.learn(worker)

    def rest(self, worker: ModelWorker, since: float | None = None) -> None:
        """Nothing runs in it any more: its idle time begins, or goes on from when it was `since`."""
        now = self._clock.now()
        worker.idle_since = now if since is None else since
        worker.group.idle_since = max(worker.group.idle_since, worker.idle_since)
        self._clock.wake_at(now)  # a load that waits may take its place
        if worker.look_at is None:
            worker.look_at = max(now, worker.looked_at + MEMORY_LOOK_INTERVAL)
        if worker.state.phase is Phase.DRAINING:
            self.apply(worker, lifecycle.Drained())
        self.changed(worker)
        self.arm(worker)

    def changed(self, worker: ModelWorker) -> None:
        """What it does has changed, and so may what is to be done about its replicas and its node."""
        self.scaler.touch(worker.group)
        self.admission.moved(worker)

    def ready(self, worker: ModelWorker) -> None:
        """The worker has loaded its model."""
        worker.idle_since = worker.group.changed_at = self._clock.now()
        worker.group.given_up = False
        if not worker.group.ready:
            worker.group.idle_since = worker.idle_since
        self.apply(worker, lifecycle.LoadFinished())
        self.admission.learn(worker, loaded=True)
        self.keep_spare(worker.prepared)
        self.scaler.scale(worker.group)

    def keep_spare(self, engine: str) -> None:
        """Have a worker ready for the next load of this engine, if that saves time and there is room."""
        if self.warm_pool.spare is not None or self.closing or engine not in self.policy.spare_engines:
            return
        if self.admission.for_spare():
            self._processes.start_spare(engine)

    def _act(self, worker: ModelWorker, action: lifecycle.Action) -> None:
        match action:
            case lifecycle.Spawn():
                self._spawn(worker, action.incarnation)
            case lifecycle.Terminate() if worker.process:
                if worker.look_at is not None:
                    self._learn(worker)
                worker.process.terminate()
            case lifecycle.Kill() if worker.process:
                worker.process.kill()
            case lifecycle.GiveUp():
                self._owner.given_up(worker, action.failure)

    def _spawn(self, worker: ModelWorker, incarnation: int) -> None:
        if not self.admission.has(worker):
            return
        if (twin := self.twin(worker)) is not None:
            self._observe("loaded_twice", model=worker.name, beside=twin.name)
        try:
            greeted = self._processes.start(worker, incarnation)
        except AiPalError as error:
            self._observe("spawn_failed", model=worker.name, reason=error.failure.message)
            self.apply(worker, lifecycle.SpawnRefused(error.failure, self._jitter()))
            return
        self.lives(worker)
        self.admission.moved(worker)
        if greeted:
            self.loads.connected(worker)

    def _exited(self, worker: ModelWorker, status: ExitStatus) -> None:
        status = exits.as_refusal(worker, status)
        self.admission.ended(worker, status)
        tail = worker.process.stderr_tail() if worker.process is not None else ""
        worker.process = worker.info = None
        self.died(worker.identity)
        if status.refused and worker.state.phase in lifecycle.COMING:
            self._refused(worker, status)
            return
        planned, failure = worker.state.planned, exits.explain(worker, status, tail)
        self._observe(
            "worker_exited",
            model=worker.name,
            worker=worker.identity,
            code=status.code,
            signal=status.signal,
            planned=planned,
            **({"node": worker.node, "reason": status.reason} if worker.node else {}),
        )
        self.admission.release(worker)
        worker.restarts += not planned
        self._owner.worker_gone(worker, failure)
        wanted = self.scaler.is_needed(worker, again=not planned)
        self.apply(worker, lifecycle.Exited(status, wanted, self._jitter(), tail))
        self.scaler.exited(worker, planned=planned)

    def _refused(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its node would not have it, or cannot run it: whether it may load is asked anew."""
        node = status.node or worker.node
        self._observe("placement_refused", model=worker.name, node=node, reason=status.reason)
        self.admission.release(worker)
        self.apply(worker, lifecycle.Deferred(exits.refused_by(node, worker, status)))
        self._clock.wake_at(self._clock.now())

    def arm(self, worker: ModelWorker) -> None:
        """Come back when something is due of this worker."""
        self._agenda.put(worker)
        self._wake(self._clock.now())

    def _due_at(self, worker: ModelWorker) -> float | None:
        """When its own time brings something. A replica goes with its group."""
        times = [lifecycle.deadline(worker.state, self.policy.worker), worker.look_at]
        if not worker.group.replicated:
            times.append(worker.unload_at())
        if worker.active and worker.state.phase is not Phase.KILLING:
            cancelled = [job.cancel_at for job in worker.active.values() if job.cancel_at is not None]
            times += [min(cancelled) + self.policy.cancel_timeout] if cancelled else []
        return min((when for when in times if when is not None), default=None)

    def _wake(self, now: float) -> None:
        """Ask for the next tick."""
        times = [self._agenda.next, self.scaler.next]
        if self.has_processes:
            times.append(self.admission.pressure_at)
        if self.has_any(Phase.WAITING):
            times.append(now + ROOM_LOOK_INTERVAL)
        if self.has_any(*lifecycle.COMING):
            times.append(now + LOOK_INTERVAL)
        if known := [when for when in times if when is not None]:
            self._clock.wake_at(min(known))
