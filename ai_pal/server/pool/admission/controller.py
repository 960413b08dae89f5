"""The admission controller: a load gets its memory before it starts, waits for it or is refused; idle
models go for it. Part of the supervisor's reactor: synchronous, like everything there."""

from collections.abc import Callable, Iterable
from typing import Protocol

from ai_pal import memory
from ai_pal.errors import Code, Failure
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.admission import BUSY_LEDGER, SEE_NODES, refusal
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.ports import Clock, Observe

ROOM_LOOK_INTERVAL = 0.25
"""Seconds between two looks whether there is memory for a load that waits."""

SETTLE = 1.0
"""Seconds that the system may take to count the memory of an ended process as free."""

PRESSURE_INTERVAL = 1.5
"""Seconds between two looks, while models are loaded, whether the machine is short of memory."""

HOLDING = lifecycle.RUNNING | {Phase.WAITING}
"""Phases in which memory may be promised to a worker."""


class Admits(Protocol):
    """Decides who may load, and reserves what that takes: `Admission` on this machine, `NodeAdmission` on
    nodes."""

    def seek(
        self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> memory.Decision: ...

    def has_room_for_spare(self, workers: Iterable[ModelWorker]) -> bool: ...

    def fits(self, load: LoadModel, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool: ...

    def publish(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool: ...

    def look(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> tuple[tuple[str, ...], str]: ...

    def moved(self, worker: ModelWorker) -> None:
        """What it does or was promised has changed; of its memory alone nobody tells here."""

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None: ...

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None: ...


class AdmissionController:
    """Carries out for the pool what `admission` decides; without one there is room for everything.

    `apply` is the pool's, `told` hears of a load that has begun to wait; `evictions` counts models that had
    to make room."""

    def __init__(
        self,
        admission: Admits | None,
        workers: Iterable[ModelWorker],
        warm_pool: WarmPool,
        *,
        clock: Clock,
        observe: Observe,
        apply: Callable[[ModelWorker, lifecycle.AnyEvent], None],
        told: Callable[[ModelWorker], None],
    ) -> None:
        self._admission, self._workers, self._warm_pool = admission, workers, warm_pool
        self._clock, self._observe, self._apply, self._told = clock, observe, apply, told
        self._pressure_at = 0.0
        self.evictions = 0

    @property
    def pressure_at(self) -> float | None:
        """When the memory of what is loaded has to be looked at again."""
        return self._pressure_at if self._admission is not None else None

    def moved(self, worker: ModelWorker) -> None:
        """What it does or was promised has changed."""
        if self._admission is not None:
            self._admission.moved(worker)

    def for_spare(self) -> bool:
        """Whether a spare worker fits without taking anything from anybody."""
        return self._admission is None or self._admission.has_room_for_spare(self._workers)

    def fits(self, load: LoadModel) -> bool:
        """Whether a model could be loaded now without taking anything from anybody."""
        return self._admission is None or self._admission.fits(load, self._workers, self._warm_pool)

    def has(self, worker: ModelWorker) -> bool:
        """Whether the worker may start its process, in memory that is reserved for it from now on.

        If not, others were asked to make room, or it waits, or it is refused."""
        if self._admission is None or worker.admitted:
            return True
        decision = self._admission.seek(worker, self._workers, self._warm_pool)
        if worker.group.others_there(worker) and not isinstance(decision, memory.Admit):
            decision = memory.Refuse(decision.reason, soon=True)  # nobody goes for it, and nobody waits
        match decision:
            case memory.Admit():
                worker.admitted = True
            case memory.Evict():
                self._evict(decision.models, f"evicted to make room for {worker.name}")
                self._defer(worker, f"unloading {', '.join(decision.models)}: {decision.reason}")
            case memory.Wait():
                self._defer(worker, f"{decision.what}: {decision.reason}", decision.code)
            case memory.Refuse() if self._still_settling(worker):
                self._defer(worker, decision.reason, decision.code)
            case memory.Refuse():
                if not worker.group.others_there(worker):
                    self._observe("load_refused", model=worker.name, reason=decision.reason)
                self._apply(worker, lifecycle.Denied(refusal(decision, worker.resolved.load.model)))
        return worker.admitted

    def relieve(self, now: float) -> None:
        """While models are loaded: unload idle ones when the machine gets short of memory."""
        if self._admission is None or now < self._pressure_at:
            return
        told = self._admission.publish(self._workers, self._warm_pool)
        self._pressure_at = now + (PRESSURE_INTERVAL if told else ROOM_LOOK_INTERVAL)
        if not told or self._warm_pool.spare is not None:
            self._clock.wake_at(self._pressure_at)
        models, reason = self._admission.look(self._workers, self._warm_pool)
        self._evict(models, reason)

    def release(self, worker: ModelWorker) -> None:
        """What was promised to the worker is free: loads may wait for it, here or in another supervisor."""
        worker.reserved, worker.admitted = 0, False
        worker.placement, worker.own_windows = None, False
        worker.node, worker.there, worker.supply, worker.cards = "", {}, None, ()
        worker.gang, worker.ranks = None, ()
        if self._admission is not None and not self._admission.publish(self._workers, self._warm_pool):
            self._pressure_at = 0.0  # the next tick tries again
        self.moved(worker)
        self._clock.wake_at(self._clock.now())

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its process has ended, and how."""
        if self._admission is not None:
            self._admission.ended(worker, status)

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        if self._admission is not None:
            self._admission.learn(worker, loaded=loaded)

    def _still_settling(self, worker: ModelWorker) -> bool:
        waiting = worker.state.phase is Phase.WAITING
        return waiting and self._clock.now() - worker.state.since < SETTLE

    def _defer(self, worker: ModelWorker, reason: str, code: Code = Code.INSUFFICIENT_MEMORY) -> None:
        before = worker.state.reason
        waits = worker.state.phase is Phase.WAITING
        if waits and before and before.code == code and BUSY_LEDGER not in before.message:
            return  # it knows already: the figures change all the time
        self._observe("load_waits", model=worker.name, reason=reason)
        hint = "free memory, or try again later" if code == Code.INSUFFICIENT_MEMORY else SEE_NODES
        waits_for = Failure(code, reason, hint, retryable=True)
        self._apply(worker, lifecycle.Deferred(waits_for))
        self._told(worker)

    def _evict(self, models: tuple[str, ...], reason: str) -> None:
        workers = {worker.name: worker for worker in self._workers} if models else {}
        for model in models:
            self.evictions += 1
            self._observe("model_evicted", model=model, reason=reason)
            going = Failure(Code.UNLOADED, reason, "ask again to load it", retryable=True)
            self._apply(workers[model], lifecycle.StopWanted(going, busy=False))
