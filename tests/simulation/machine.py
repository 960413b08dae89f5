"""The machine of the simulation: starts processes, knows which of them live, and has a disk."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.server.children.egress import MODULE
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from tests.simulation.elsewhere import SimEgress
from tests.simulation.plans import Fault, draw
from tests.simulation.worker import SimWorker

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimMachine:
    """Implements `nodes.base.Launcher`. `workers` and `egresses` are all processes there ever were."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.workers: dict[str, SimWorker] = {}
        self.egresses: list[SimEgress] = []
        self._reported: set[str] = set()
        self._pids = 100
        self._disk_full_until = 0.0

    def next_pid(self) -> int:
        self._pids += 1
        return self._pids

    def living(self, model: str) -> list[SimWorker]:
        """The processes of this model whose end has not been reported."""
        ours = [worker for worker in self.workers.values() if worker.model == model]
        return [worker for worker in ours if worker.identity not in self._reported]

    def unreachable(self, identity: str) -> bool:
        """Whether what is sent to this worker may not have arrived so far."""
        worker = self.workers.get(identity)
        return worker is None or worker.frozen or worker.from_supervisor.troubled

    @property
    def disk_full(self) -> bool:
        """Nothing can be written now: no row, no piece of a model."""
        return self._world.time.now() < self._disk_full_until

    def fill_disk(self, seconds: float) -> None:
        self._disk_full_until = self._world.time.now() + seconds

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> SimWorker | SimEgress:
        if spec.module == MODULE:
            return self._launch_egress(spec, on_exit)
        return self._launch_worker(spec, on_exit)

    def _launch_worker(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> SimWorker:
        world, named = self._world, spec.worker.split(".")[0]
        base, _, number = named.removesuffix("-vocabulary").partition("-")
        model = base
        world.checks.expect(not world.hub.lacks(model), f"{model} is loaded, but not here")
        plan = draw(world.dice, world.tempers[model])
        model += " (vocabulary)" if named.endswith("-vocabulary") else ""
        name = f"{model}#{number}" if number else model
        world.checks.launching(model, name)
        world.note(spec.worker, "starts", plan)
        if plan.fault is Fault.NO_SPAWN or world.fails("spawn"):
            world.checks.died(name)
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))

        def reported(status: ExitStatus) -> None:
            self._reported.add(spec.worker)
            world.checks.died(name)
            world.process_ended(spec.worker, lambda: on_exit(status))

        worker = self.workers[spec.worker] = SimWorker(world, model, spec.worker, plan, reported)
        worker.name = name
        return worker

    def _launch_egress(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> SimEgress:
        world = self._world
        if world.rough and world.dice.random() < 0.05:
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))

        def reported(status: ExitStatus) -> None:
            world.process_ended(spec.worker, lambda: on_exit(status))

        process = SimEgress(world, spec.worker, reported)
        world.note(spec.worker, "starts")
        self.egresses.append(process)
        return process
