"""The memory of the simulated machine, in histories in which it is scarce: who has how much, and what a load
may find. What must hold of it is in `memory_oracle`."""

import random
from typing import TYPE_CHECKING

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.memory import Claims
from ai_pal.protocol import worker as inner
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.supervisor import Supervisor
from tests.simulation import memory_oracle as oracle

if TYPE_CHECKING:
    from tests.simulation.world import World

UNIT = 10_000_000
"""Bytes: what is below is in these."""
CAPACITY, LOW = 100, 5
SIZES = (5, 10, 20, 30, 40, 50, 70, 110)
"""The largest never fits."""
HEADROOM = 7
SCARCE = 0.4
"""In how many histories."""
BUSY = 0.1
"""How often another supervisor has the ledger just now."""


class SimMemory:
    """Implements `FreeMemory`, `Ledger` and `Footprints`. `outside` is what other programs have."""

    def __init__(self, world: "World", models: list[str], scarce: bool) -> None:
        self._world = world
        self._dice = random.Random(f"memory {world.seed}")
        self.scarce = scarce and self._dice.random() < SCARCE
        self.sizes = {model: self._dice.choice(SIZES) * UNIT for model in models}
        self.sizes |= {f"{model} (vocabulary)": UNIT for model in models}
        self.capacity, self.low, self.outside, self.spare = CAPACITY * UNIT, LOW * UNIT, 0, 0
        self.changed = 0.0

    @property
    def machine(self) -> "SimMemory":
        return self

    @property
    def supervisor(self) -> Supervisor:
        return self._world.daemon.supervisor

    def admission(self) -> Admission | None:
        """The supervisor's, each yes of which is judged; None where there is always room."""
        if not self.scarce:
            return None
        admission = oracle.Judged(self, self, self, MemoryPolicy(low=self.low))
        admission.machine = self
        return admission

    def others_take(self) -> None:
        """Other programs come to have another share; soon enough nothing that can go is in their way."""
        self.outside = self._dice.choice((0, 20, 60, 90)) * UNIT
        self.changed = self.now()
        self._world.note(f"other programs have {self.outside // UNIT} units of memory")
        self._world.checks.happened["memory taken"] += 1
        self._world.checks.after(oracle.PATIENCE, self._relieved)

    def _relieved(self) -> None:
        if not (self._world.stopped or self._world.daemon.stopping):
            oracle.check_relief(self)

    def evicted(self, model: str) -> None:
        self._world.checks.happened["evicted"] += 1
        oracle.check_eviction(self, model)

    # -- as the supervisor sees it -----------------------------------------------------------------

    def now(self) -> float:
        return self._world.time.now()

    def free(self) -> int:
        workers = self._world.machine.workers.values()
        return self.capacity - self.outside - sum(worker.taken for worker in workers)

    def pressure(self) -> float:
        return 0.0

    def enter(self) -> Claims | None:
        return None if self._dice.random() < BUSY else Claims()

    def leave(self, mine: Claims) -> None:
        """Nobody else reads it."""

    def need(self, load: inner.LoadModel) -> int:
        return self.sizes[Resolved(load).name]

    def headroom(self, load: inner.LoadModel) -> int:
        return HEADROOM * UNIT

    def reads(self, load: inner.LoadModel) -> float:
        return 0.0

    def learn(self, load: inner.LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None:
        assert peak <= self.sizes[Resolved(load).name]

    # -- as the oracle counts ----------------------------------------------------------------------

    def committed(self, admitted: ModelWorker) -> int:
        return oracle.committed(self, admitted)

    def owner(self, model_worker: ModelWorker) -> "SimMemory":
        return self
