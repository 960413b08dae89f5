"""Loads as they go on: a worker that says hello is told what to load, and looked at from outside while it
does. Part of the supervisor's reactor: synchronous, like everything there."""

from collections.abc import Callable

from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.load_progress import LoadWatch
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Clock, Workers

RESEND_INTERVAL = 0.05
"""Seconds until a worker that could not take a message is tried again."""

LOOK_INTERVAL = 0.1
"""Seconds between two looks at a loading process from outside."""


class Loads:
    """`apply` is the pool's, `told` hears of a load that has come further."""

    def __init__(
        self,
        workers: Workers,
        *,
        clock: Clock,
        apply: Callable[[ModelWorker, lifecycle.AnyEvent], None],
        told: Callable[[ModelWorker], None],
    ) -> None:
        self._workers, self._clock, self._apply, self._told = workers, clock, apply, told

    def connected(self, worker: ModelWorker) -> None:
        """The worker said hello: tell it what to load, in the next tick if it cannot be told now."""
        if not worker.greeted:
            worker.greeted = True
            self._apply(worker, lifecycle.Alive())  # that it cannot be told yet is no fault of its own
        if not self._workers.send(worker.identity, worker.load_there):
            self._clock.wake_at(self._clock.now() + RESEND_INTERVAL)
            return
        worker.watch = LoadWatch(worker.resolved.size)
        self._apply(worker, lifecycle.Connected())

    def look(self, worker: ModelWorker) -> None:
        """How far it is by now, and what it could not be told before."""
        if worker.greeted and worker.state.phase in lifecycle.UNSTARTED:
            self.connected(worker)
        if worker.state.phase not in lifecycle.COMING or worker.process is None:
            return
        usage = worker.process.usage()
        if usage is None:
            return
        if usage.arrived is not None:
            if usage.arrived != worker.arrived:
                worker.arrived = usage.arrived
                self._apply(worker, lifecycle.Fetching(usage.arrived.fraction))
                self._told(worker)
            return
        if worker.watch is None:
            worker.watch = LoadWatch(worker.resolved.size)
        fraction = worker.watch.look(usage)
        if fraction is not None:
            loading = worker.state.phase is Phase.LOADING
            self._apply(worker, lifecycle.Alive(fraction if loading else None))
            self._told(worker)
