"""Who has memory on which node. What the workers of a node have together is counted anew only when something
has changed there."""

from collections.abc import Collection

import msgspec

from ai_pal.memory import Resident
from ai_pal.memory.spread import NOBODY, Residents
from ai_pal.server.pool.admission.admission import counts, resident
from ai_pal.server.pool.admission.placing import LOADED
from ai_pal.server.pool.members.model_worker import ModelWorker


class Occupancy:
    """Workers are on the nodes that they are promised memory on, or run on. `changes` counts what has changed
    anywhere."""

    def __init__(self) -> None:
        self.changes = 0
        self._nodes: dict[str, dict[ModelWorker, None]] = {}
        self._nodes_of: dict[ModelWorker, tuple[str, ...]] = {}
        self._counted: dict[str, Residents] = {}
        self._changed: set[str] = set()

    def moved(self, worker: ModelWorker) -> None:
        """It may be on others, or on none, or do there what it did not before."""
        before, nodes = self._nodes_of.get(worker, ()), worker.nodes if counts(worker) else ()
        for node in before:
            self.changed(node)
        if nodes == before:
            return
        self.leave(worker)
        if nodes:
            self._nodes_of[worker] = nodes
        for node in nodes:
            self.changed(node)
            self._nodes.setdefault(node, {})[worker] = None

    def leave(self, worker: ModelWorker) -> None:
        """It is on no node any more."""
        for node in self._nodes_of.pop(worker, ()):
            self.changed(node)
            del self._nodes[node][worker]
            if not self._nodes[node]:
                del self._nodes[node]

    def changed(self, node: str) -> None:
        """Somebody there has another amount of memory."""
        self._counted.pop(node, None)
        self._changed.add(node)
        self.changes += 1

    def take_changed(self) -> set[str]:
        """Where something has changed since this was asked last."""
        found, self._changed = self._changed, set()
        return found

    def on(self, node: str) -> Collection[ModelWorker]:
        """Who is there."""
        return self._nodes.get(node, {}).keys()

    def residents(self, node: str) -> Residents:
        """Who is there, as the memory core sees them."""
        found = self._counted.get(node)
        if found is None:
            found = NOBODY if node not in self._nodes else self._count(node)
            self._counted[node] = found
        return found

    def recount(self, node: str) -> bool:
        """Count anew, whether something has changed or not: whether that gives something else."""
        before = self.residents(node)
        self.changed(node)
        if self.residents(node).every == before.every:
            self._counted[node] = before
            return False
        return True

    def _count(self, node: str) -> Residents:
        return Residents.of(_resident(one) for one in self._nodes[node])


def _resident(worker: ModelWorker) -> Resident:
    """See `admission.resident`. Of a gang each node has its part, which its nodes do not tell: once it is
    loaded it has all of it."""
    whole = resident(worker)
    if worker.gang is None:
        return whole
    return msgspec.structs.replace(whole, taken=whole.reserved if worker.state.phase in LOADED else 0)
