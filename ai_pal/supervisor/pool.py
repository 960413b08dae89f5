"""The pool of model slots: drives each worker's life and carries out what the lifecycle decides."""

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from ai_pal import lifecycle
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.fair_queue import FairQueue
from ai_pal.launchers.base import Launcher, LaunchSpec, WorkerProcess
from ai_pal.lifecycle import Phase
from ai_pal.supervisor.admission import Admission
from ai_pal.supervisor.failures import IGNORED_CANCEL
from ai_pal.supervisor.load_progress import LoadWatch
from ai_pal.supervisor.ports import Clock, Jitter, Observe, Resolve, Resolved, Workers
from ai_pal.supervisor.room import HOLDING, Room
from ai_pal.supervisor.slot import Slot
from ai_pal.supervisor.spare import SpareShelf

RESEND_INTERVAL = 0.05
"""Seconds until a worker that could not take a message is tried again."""

LOAD_LOOK_INTERVAL = 0.1
"""Seconds between two looks at a loading process from outside."""


class PoolPolicy(msgspec.Struct, frozen=True):
    """Bounds and budgets. `queue_size` counts waiting requests per model; seconds elsewhere."""

    worker: lifecycle.Policy = lifecycle.Policy()
    queue_size: int = 32
    keep_alive: float = 300.0
    cancel_timeout: float = 15.0
    spare_engines: tuple[str, ...] = ()
    log_prompts: bool = False


class Pool:
    """Owns the slots. `on_exit`, `on_progress` and `on_give_up` tell the supervisor what happened."""

    on_exit: Callable[[Slot, Failure], None]
    on_progress: Callable[[Slot], None]
    on_give_up: Callable[[Slot, Failure], None]

    def __init__(
        self,
        *,
        launcher: Launcher,
        workers: Workers,
        clock: Clock,
        resolve: Resolve,
        jitter: Jitter,
        observe: Observe,
        policy: PoolPolicy,
        admission: Admission | None = None,
    ) -> None:
        self._launcher, self._workers, self._clock = launcher, workers, clock
        self._resolve, self._jitter, self._observe = resolve, jitter, observe
        self.spares = SpareShelf(launcher, workers, observe)
        self.room = Room(
            admission,
            self,
            self.spares,
            clock=clock,
            observe=observe,
            apply=self.apply,
            told=self._waits,
        )
        self.policy = policy
        self.closing = False
        self._slots: dict[str, Slot] = {}
        self._by_worker: dict[str, Slot] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Slot]:
        return iter(list(self._slots.values()))

    def find(self, model: str) -> Slot | None:
        return self._slots.get(model)

    def of_worker(self, worker: str) -> Slot | None:
        """The slot whose present incarnation has this identity; None for strangers and the dead."""
        return self._by_worker.get(worker)

    def process_of(self, worker: str) -> WorkerProcess | None:
        """The process with this identity, of a slot or the spare one."""
        slot = self.of_worker(worker)
        return slot.process if slot is not None else self.spares.process_of(worker)

    def slot(self, reference: str) -> Slot:
        """The slot for a model reference, made if need be. Raises `AiPalError` for unknown models."""
        resolved = self._resolve(reference)
        slot = self._slot_for(resolved)
        if slot is None:
            keep_alive = self.policy.keep_alive if resolved.keep_alive is None else resolved.keep_alive
            slot = Slot(resolved, FairQueue(self.policy.queue_size), keep_alive)
            self._slots[slot.model] = slot
        elif slot.process is None and slot.model == resolved.load.model:
            slot.resolved = resolved
        elif resolved.pinned:
            slot.resolved = msgspec.structs.replace(slot.resolved, pinned=True)
        return slot

    def canonical(self, reference: str) -> str:
        """The name under which a model is loaded; what cannot be resolved (any more) stays as it is."""
        slot = self._slots.get(reference)
        if not reference or (slot is not None and slot.process is not None):
            return reference
        try:
            resolved = self._resolve(reference)
        except AiPalError:
            return reference
        slot = self._slot_for(resolved)
        return slot.model if slot is not None else resolved.load.model

    def _slot_for(self, resolved: Resolved) -> Slot | None:
        """The slot of this name if it is in use, else one that has the same model under another name."""
        named = self._slots.get(resolved.load.model)
        if named is not None and named.in_use:
            return named
        alike = [slot for slot in self if slot.resolved.is_like(resolved)]
        used = [slot for slot in alike if slot.in_use]
        return next(iter(used), named or next(iter(alike), None))

    def apply(self, slot: Slot, event: lifecycle.AnyEvent) -> None:
        """One transition of the slot's worker, and its effects."""
        before = slot.state.phase
        slot.state, actions = lifecycle.step(slot.state, event, self._clock.now(), self.policy.worker)
        if slot.state.phase is not before:
            state = slot.state
            why = {"reason": state.reason.message} if state.reason is not None else {}
            self._observe("worker_phase", model=slot.model, worker=slot.worker, phase=str(state.phase), **why)
        if slot.state.phase not in HOLDING and (slot.admitted or slot.reserved):
            self.room.release(slot)
        for action in actions:
            self._act(slot, action)
        self._arm(slot)

    def connected(self, slot: Slot) -> None:
        """The slot's worker said hello: tell it what to load, in the next tick if it cannot be told now."""
        slot.greeted = True
        if not self._workers.send(slot.worker, slot.resolved.load):
            self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
            return
        slot.watch = LoadWatch(slot.resolved.size)
        self.apply(slot, lifecycle.Connected())

    def tick(self, now: float) -> None:
        """Look at loading processes, let budgets run out, reap what is idle, forget what is gone."""
        self.room.relieve(now)
        for slot in sorted(self, key=lambda slot: slot.state.since):
            if slot.state.phase is Phase.WAITING and slot.wanted and self.room.has(slot):
                self.apply(slot, lifecycle.Room())
        for slot in self:
            if slot.greeted and slot.state.phase is Phase.STARTING:
                self.connected(slot)
            if slot.state.phase in (Phase.STARTING, Phase.LOADING):
                self._look(slot)
            self.apply(slot, lifecycle.Tick(wanted=slot.wanted and not self.closing))
            unload_at = slot.unload_at()
            if unload_at is not None and unload_at <= now:
                idle = Failure(Code.UNLOADED, f"idle for {now - slot.idle_since:.0f} s")
                self.apply(slot, lifecycle.StopWanted(idle, busy=False))
            if slot.cancelled_since(now - self.policy.cancel_timeout):
                self.apply(slot, lifecycle.Condemned(IGNORED_CANCEL))
            self._forget(slot, now)

    def rest(self, slot: Slot) -> None:
        """The slot's last request ended: its idle time begins."""
        slot.idle_since = self._clock.now()
        self._clock.wake_at(slot.idle_since)  # a load that waits may take its place
        self.room.learn(slot)
        if slot.state.phase is Phase.DRAINING:
            self.apply(slot, lifecycle.Drained())
        self._arm(slot)

    def ready(self, slot: Slot) -> None:
        """The slot's worker has loaded its model."""
        slot.idle_since = self._clock.now()
        self.apply(slot, lifecycle.Loaded())
        self.room.learn(slot, loaded=True)
        self.keep_spare(slot.resolved.load.engine)

    def keep_spare(self, engine: str) -> None:
        """Have a worker ready for the next load of this engine, if that saves time and there is room."""
        if self.spares.spare is not None or self.closing or engine not in self.policy.spare_engines:
            return
        if self.room.for_spare():
            self.spares.launch(engine, f"spare-{engine}.{next(self._numbers)}.0")

    def _waits(self, slot: Slot) -> None:
        self.on_progress(slot)

    def _act(self, slot: Slot, action: lifecycle.Action) -> None:
        match action:
            case lifecycle.Spawn():
                self._spawn(slot, action.incarnation)
            case lifecycle.Terminate() if slot.process:
                slot.process.terminate()
            case lifecycle.Kill() if slot.process:
                slot.process.kill()
            case lifecycle.GiveUp():
                self.on_give_up(slot, action.failure)

    def _spawn(self, slot: Slot, incarnation: int) -> None:
        if not self.room.has(slot):
            return
        if self._adopt(slot):
            return
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", slot.model)[-40:].strip("-")
        slot.worker = f"{slug}.{next(self._numbers)}.{incarnation}"
        slot.watch, slot.greeted = None, False
        try:
            slot.process = self._launcher.launch(
                LaunchSpec(slot.worker, "workers"), partial(self._exited, slot, slot.worker)
            )
        except AiPalError as error:
            self._observe("spawn_failed", model=slot.model, reason=error.failure.message)
            self.apply(slot, lifecycle.SpawnRefused(error.failure, self._jitter()))
            return
        self._by_worker[slot.worker] = slot

    def _adopt(self, slot: Slot) -> bool:
        """Let the slot take over the spare worker, process and identity, if that is of its engine."""
        spare = self.spares.take(slot.resolved.load.engine)
        if spare is None:
            return False
        slot.worker, slot.process, slot.watch = spare.worker, spare.process, None
        spare.ended = partial(self._exited, slot, slot.worker)
        self._by_worker[slot.worker] = slot
        self._observe("spare_taken", model=slot.model, worker=slot.worker)
        if spare.greeted:
            self.connected(slot)
        return True

    def _exited(self, slot: Slot, worker: str, status: lifecycle.ExitStatus) -> None:
        if slot.worker != worker or slot.process is None:
            return
        tail = slot.process.stderr_tail()
        planned = slot.state.planned and slot.state.reason is not None
        failure = slot.state.reason if planned else lifecycle.explain(slot.state, status, tail)
        self._observe(
            "worker_exited",
            model=slot.model,
            worker=worker,
            code=status.code,
            signal=status.signal,
            planned=planned,
        )
        slot.process = slot.info = None
        self.room.release(slot)
        slot.restarts += not planned
        del self._by_worker[worker]
        assert failure is not None
        self.on_exit(slot, failure)
        wanted = slot.wanted and not self.closing
        self.apply(slot, lifecycle.Exited(status, wanted, self._jitter(), tail))

    def _look(self, slot: Slot) -> None:
        usage = slot.process.usage() if slot.process else None
        if usage is None:
            return
        if slot.watch is None:
            slot.watch = LoadWatch(slot.resolved.size)
        fraction = slot.watch.look(usage)
        if fraction is not None:
            loading = slot.state.phase is Phase.LOADING
            self.apply(slot, lifecycle.Alive(fraction if loading else None))
            self.on_progress(slot)

    def _arm(self, slot: Slot) -> None:
        now = self._clock.now()
        wakes = [
            lifecycle.deadline(slot.state, self.policy.worker),
            slot.unload_at(),
            self.room.next_look(slot),
        ]
        if slot.state.phase in (Phase.STARTING, Phase.LOADING):
            wakes.append(now + LOAD_LOOK_INTERVAL)
        if any(request.cancel_at for request in slot.active.values()):
            wakes.append(now + self.policy.cancel_timeout)
        for when in wakes:
            if when is not None:
                self._clock.wake_at(when)

    def _forget(self, slot: Slot, now: float) -> None:
        """Drop a slot that holds nothing but old crashes, so that their number stays bounded."""
        if slot.state.phase is not Phase.GONE or slot.wanted:
            return
        if all(now - at >= self.policy.worker.crash_window for at in slot.state.crashes):
            del self._slots[slot.model]
