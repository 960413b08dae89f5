"""Memory for loads on nodes: looks at what each has free, asks the pure cores, and reserves, in one step."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ai_pal import memory
from ai_pal.errors import Failure
from ai_pal.memory.spread import Place, spread
from ai_pal.protocol.cluster import Node
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.admission import MemoryPolicy, counts, learn, places, resident
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.model_worker import ModelWorker
from ai_pal.server.pool.warm_pool import WarmPool
from ai_pal.server.ports import Clock, Footprints

AVOIDED = 10.0
"""Seconds after the loss of a worker in which its node is chosen only where no other will do."""

REFUSED = 5.0
"""Seconds in which a node is not asked again that would not have a worker."""


class Known(Protocol):
    """What is known of the nodes; see `children.cluster.Cluster`."""

    def nodes(self) -> Sequence[Node] | None: ...

    def failure(self) -> Failure | None: ...

    def may_answer_soon(self, node: str) -> bool: ...

    def is_drained(self, node: str) -> bool: ...


class Files(NamedTuple):
    """The files of a model by identity, and the `place` under a cache of models that it is loaded from."""

    place: str
    identities: frozenset[str]


FilesOf = Callable[[str], Files | None]
"""Those of the model that is loaded from this path here; None: nodes could have no such thing in a cache."""


class NodeAdmission:
    """Implements `Admits`: decides for the pool which node a worker runs on."""

    def __init__(
        self, known: Known, footprints: Footprints, policy: MemoryPolicy, clock: Clock, files_of: FilesOf
    ) -> None:
        self._known, self._footprints, self._policy = known, footprints, policy
        self._clock, self._files_of = clock, files_of
        self._avoided: dict[str, float] = {}
        self._refused: dict[tuple[str, str], tuple[float, str]] = {}

    def seek(
        self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> memory.Decision:
        """Whether this worker's model may load now, and on which node: `worker.node`."""
        worker.own_windows, worker.placement = False, None
        nodes = self._known.nodes()
        if nodes is None:
            failure = self._known.failure()
            if failure is not None:
                return memory.Refuse(f"the cluster cannot be had: {failure.message}", soon=True)
            return memory.Wait(True, "its process tells of no nodes yet", "the cluster is starting")
        need = self._footprints.need(worker.load)
        want = memory.Want(worker.name, need, worker.state.phase is Phase.WAITING, places(worker))
        others = [one for one in workers if one is not worker and counts(one)]
        worker.node, decision = spread(
            want, [self._place(node, worker, others) for node in nodes], self._policy.max_loaded
        )
        hopeful = isinstance(decision, memory.Wait) and not decision.promised
        worker.reserved = 0 if hopeful or isinstance(decision, memory.Refuse) else need
        there = next((node for node in nodes if node.name == worker.node), None)
        worker.path = self._path_on(there, worker.resolved.load.path) if there is not None else ""
        return decision

    def fits(self, load: LoadModel, workers: Sequence[ModelWorker], warm_pool: WarmPool) -> bool:
        """Whether it could be loaded now without taking anything from anybody. Promises nothing."""
        others = [one for one in workers if counts(one)]
        want = memory.Want(load.model, self._footprints.need(load))
        places = [self._free_on(node, others, "") for node in self._known.nodes() or ()]
        return isinstance(spread(want, places, self._policy.max_loaded)[1], memory.Admit)

    def has_room_for_spare(self, workers: Sequence[ModelWorker]) -> bool:
        """Nothing is kept warm on nodes."""
        return False

    def publish(self, workers: Sequence[ModelWorker], warm_pool: WarmPool) -> bool:
        """There is nobody to tell: what a node really has free, its agents look at themselves."""
        return True

    def look(self, workers: Sequence[ModelWorker], warm_pool: WarmPool) -> tuple[tuple[str, ...], str]:
        """Idle models that have to go because a node is short of memory, and why."""
        for node in self._known.nodes() or ():
            if node.silent or node.free >= self._policy.low:
                continue
            there = [resident(one) for one in workers if one.node == node.name and counts(one)]
            if going := memory.relieve(node.free, self._policy.low, there):
                return going, f"node {node.name} is short of memory: {memory.gigabytes(node.free)} is free"
        return (), ""

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        """See `admission.learn`."""
        learn(self._footprints, worker, loaded=loaded)

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its process has ended: that may tell something of its node."""
        now = self._clock.now()
        if status.lost:
            self._avoided[worker.node] = now + AVOIDED
        if status.refused:
            self._refused[worker.name, worker.node] = now + REFUSED, status.reason
            self._clock.wake_at(now + REFUSED)

    def _place(self, node: Node, worker: ModelWorker, others: Sequence[ModelWorker]) -> Place:
        now = self._clock.now()
        until, why = self._refused.get((worker.name, node.name), (0.0, ""))
        files = self._files_of(worker.resolved.load.path)
        told = bool(node.cache) or not node.silent
        lacks = files is not None and told and not files.identities <= node.files
        objection = "does not have its files" if lacks else ""
        objection = f"refused it: {why}" if now < until else objection
        beside = sum(one.group is worker.group and one.node == node.name for one in others)
        return self._free_on(node, others, objection, lacks=lacks, beside=beside)

    def _free_on(
        self,
        node: Node,
        others: Sequence[ModelWorker],
        objection: str,
        *,
        lacks: bool = False,
        beside: int = 0,
    ) -> Place:
        residents = tuple(resident(one) for one in others if one.node == node.name)
        avoided = self._clock.now() < self._avoided.get(node.name, 0.0)
        objection = "is drained" if self._known.is_drained(node.name) else objection
        objection = "does not answer" if node.silent else objection
        awaited = node.silent and self._known.may_answer_soon(node.name)
        taken = memory.Claims(sum(one.taken for one in residents))
        room = memory.room(node.free, self._policy.low, self._policy.budget, taken)
        return Place(node.name, room, residents, objection, awaited, avoided, lacks, beside)

    def _path_on(self, node: Node, path: str) -> str:
        files = self._files_of(path)
        return str(Path(node.cache) / files.place) if files is not None and node.cache else ""
