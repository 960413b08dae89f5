"""Memory where models run on nodes, and a few on this machine: those for what may not leave it."""

from collections.abc import Iterable

from ai_pal import memory
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.admission.admission import Admission
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.pool.nodes.admission import NodeAdmission


class KeptAdmission:
    """Implements `Admits`: asks `here` for workers that stay on this machine, `nodes` for all others. What
    this machine promises does not count as a node's, should it be one: agents look at what is really free."""

    def __init__(self, here: Admission, nodes: NodeAdmission) -> None:
        self._here, self._nodes = here, nodes

    def seek(
        self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> memory.Decision:
        stays = worker.resolved.stays
        beside = [one for one in workers if one.resolved.stays is stays]
        return (self._here if stays else self._nodes).seek(worker, beside, warm_pool)

    def has_room_for_spare(self, workers: Iterable[ModelWorker]) -> bool:
        """Nothing is kept warm: hardly anything runs here."""
        return False

    def fits(self, load: LoadModel, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """Here: it is asked where nobody else may answer."""
        return self._here.fits(load, _kept(workers), warm_pool)

    def publish(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        return self._here.publish(_kept(workers), warm_pool)

    def look(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> tuple[tuple[str, ...], str]:
        kept = _kept(workers)
        going, reason = self._here.look(kept, warm_pool) if kept else ((), "")
        return (going, reason) if going else self._nodes.look(workers, warm_pool)

    def moved(self, worker: ModelWorker) -> None:
        (self._here if worker.resolved.stays else self._nodes).moved(worker)

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        (self._here if worker.resolved.stays else self._nodes).learn(worker, loaded=loaded)

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        if not worker.resolved.stays:
            self._nodes.ended(worker, status)


def _kept(workers: Iterable[ModelWorker]) -> list[ModelWorker]:
    return [worker for worker in workers if worker.resolved.stays]
