"""How a worker comes by its process: one is launched, or the warm pool's spare becomes its own."""

import itertools
import re
from collections.abc import Callable
from functools import partial

from ai_pal.server.nodes.base import ExitStatus, Launcher
from ai_pal.server.nodes.gang import launched
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.pool.nodes.gangs import specs_of
from ai_pal.server.ports import Observe


class Processes:
    """Each is known by an identity that no other had. `exited` hears once how it ended, with the worker that
    has it."""

    def __init__(
        self,
        launcher: Launcher,
        warm_pool: WarmPool,
        observe: Observe,
        exited: Callable[[ModelWorker, ExitStatus], None],
    ) -> None:
        self._launcher, self._warm_pool, self._observe = launcher, warm_pool, observe
        self._exited = exited
        self._numbers = itertools.count(1)

    def start(self, worker: ModelWorker, incarnation: int) -> bool:
        """Give it a process; whether that has said hello already. Raises `AiPalError` (`spawn_failed`)."""
        worker.watch, worker.arrived, worker.greeted = None, None, False
        spare = self._warm_pool.take(worker.prepared)
        if spare is not None:
            worker.identity, worker.process = spare.identity, spare.process
            spare.ended = partial(self._ended, worker, spare.identity)
            self._observe("spare_taken", model=worker.name, worker=worker.identity)
            return spare.greeted
        slug = re.sub(r"[^A-Za-z0-9_-]+", "-", worker.name)[-40:].strip("-")
        worker.identity = f"{slug}.{next(self._numbers)}.{incarnation}"
        told = partial(self._ended, worker, worker.identity)
        worker.process = launched(self._launcher, specs_of(worker), told)
        return False

    def start_spare(self, engine: str) -> None:
        """Have a worker of this engine ready for the next load."""
        self._warm_pool.launch(engine, f"spare-{engine}.{next(self._numbers)}.0")

    def _ended(self, worker: ModelWorker, identity: str, status: ExitStatus) -> None:
        if worker.identity == identity and worker.process is not None:
            self._exited(worker, status)
