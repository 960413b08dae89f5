"""What must hold whenever a model is let in, evicted or refused; figures are counted from the processes
and from what their models will come to, never from what the supervisor has written down."""

import re
from collections.abc import Iterable
from typing import Protocol

from ai_pal.errors import Code
from ai_pal.memory import Admit, Decision
from ai_pal.protocol import client as wire
from ai_pal.server.nodes.base import WorkerProcess
from ai_pal.server.pool.admission.admission import Admission
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.pool.supervisor import Supervisor

FIGURES = re.compile(r"\S+ needs \d+(\.\d)? (GB|MB), \d+(\.\d)? (GB|MB) is free|at most \d+ may be loaded")
ENDING = (Phase.STOPPING, Phase.KILLING)
PATIENCE = 4.0
"""Seconds within which a shortage is noticed and idle models are gone."""


class Machine(Protocol):
    """What models there are and what they come to, in bytes; `outside` is what other programs have."""

    sizes: dict[str, int]
    capacity: int
    low: int
    outside: int
    spare: int
    changed: float

    def free(self) -> int: ...

    def committed(self, admitted: ModelWorker) -> int:
        """What the models of all hosts have or will come to, with the one that is let in just now."""

    def owner(self, model_worker: ModelWorker) -> "Host": ...


class Host(Protocol):
    """One supervisor on the machine."""

    @property
    def machine(self) -> Machine: ...

    @property
    def supervisor(self) -> Supervisor: ...

    def now(self) -> float: ...


class Judged(Admission):
    """An admission whose every yes is checked."""

    machine: Machine

    def seek(
        self, model_worker: ModelWorker, model_workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> Decision:
        decision = super().seek(model_worker, model_workers, warm_pool)
        if isinstance(decision, Admit):
            there = self.machine.capacity - self.machine.outside - self.machine.low
            committed = self.machine.committed(model_worker)
            assert committed <= there, f"{model_worker.name} was let in: {committed} of {there} are promised"
        return decision


def committed(host: Host, admitted: ModelWorker) -> int:
    """Bytes that the models of this host have or will come to, with the one that is let in just now."""
    total = 0
    for model_worker in host.supervisor.pool:
        taken = _taken(model_worker.process)
        comes = model_worker is admitted or (model_worker.admitted and model_worker.process is None)
        stays = comes or (model_worker.process is not None and model_worker.state.phase not in ENDING)
        total += max(taken, host.machine.sizes[model_worker.resolved.name]) if stays else taken
    spare = host.supervisor.pool.warm_pool.spare
    taken_over = spare is not None and spare.engine == admitted.prepared and not spare.ending
    if spare is None or spare.process is None or (taken_over and host is host.machine.owner(admitted)):
        return total
    taken = _taken(spare.process)
    return total + (taken if spare.ending else max(taken, host.machine.spare))


def _taken(process: WorkerProcess | None) -> int:
    usage = process.usage() if process else None
    return usage.private if usage else 0


def check_eviction(host: Host, model: str) -> None:
    """Only what is idle goes."""
    model_worker = host.supervisor.pool.find(model)
    assert model_worker is not None
    assert model_worker.state.phase is Phase.READY, f"{model} was evicted while {model_worker.state.phase}"
    assert not model_worker.busy, f"{model} was evicted while it was busy"
    assert not model_worker.wanted, f"{model} was evicted while somebody waited for it"
    assert not model_worker.pinned, f"{model} was evicted, and it is pinned"


def check_refusal(event: wire.Event) -> None:
    """It says what is needed and what there is."""
    for reason in event.reasons if isinstance(event, wire.Failed) else []:
        told = reason.code != Code.INSUFFICIENT_MEMORY or FIGURES.search(reason.message)
        assert told, reason.message


def check_relief(host: Host) -> None:
    """After a shortage nothing that could go is still there."""
    long = host.now() - PATIENCE
    if host.machine.free() >= host.machine.low or host.machine.changed > long:
        return
    staying = [
        model_worker
        for model_worker in host.supervisor.pool
        if model_worker.state.phase is Phase.READY and not model_worker.busy
    ]
    idle = [s for s in staying if not s.wanted and not s.pinned and s.idle_since < long]
    assert not idle, f"the machine is short, and {idle[0].model} idles on"
