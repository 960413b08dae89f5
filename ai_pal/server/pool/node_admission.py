"""Memory for loads on nodes: looks at what each has free, asks the pure cores, and reserves, in one step."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from ai_pal import memory
from ai_pal.errors import Code, Failure
from ai_pal.memory.spread import Place, spread
from ai_pal.protocol.cluster import ModelFile, Node, Supply
from ai_pal.protocol.wanted import Wanted
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool import gangs
from ai_pal.server.pool.admission import MemoryPolicy, counts, learn, less_on_devices, resident
from ai_pal.server.pool.admission import places as counted
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.model_worker import ModelWorker
from ai_pal.server.pool.node_cards import CardChoice, cards_of
from ai_pal.server.pool.placing import LOADED
from ai_pal.server.pool.warm_pool import WarmPool
from ai_pal.server.ports import Clock, Footprints

AVOIDED = 10.0
"""Seconds after the loss of a worker in which its node is chosen only where no other will do."""

REFUSED = 5.0
"""Seconds in which a node is not asked again that would not have a worker."""

LACKS_ENGINE = 60.0
"""The same where it lacks the engine: somebody has to install that, and to ask takes a worker's start."""


class Known(Protocol):
    """What is known of the nodes; see `children.cluster.Cluster`."""

    def nodes(self) -> Sequence[Node] | None: ...

    def failure(self) -> Failure | None: ...

    def may_answer_soon(self, node: str) -> bool: ...

    def is_drained(self, node: str) -> bool: ...


class Files(NamedTuple):
    """The `files` of a load, and where each path that it names lies under a node's cache (`places`). `origin`
    is our cache. What nodes lack they take from the folder `shared`, if there is one; else they fetch it, if
    it is `pulled`; else it is given from here."""

    places: Mapping[str, str]
    files: tuple[ModelFile, ...]
    origin: str
    shared: str = ""
    pulled: Wanted | None = None

    @property
    def identities(self) -> frozenset[str]:
        return frozenset(file.identity for file in self.files)


FilesOf = Callable[[LoadModel], Files | None]
"""Those of what is loaded so here; None: it has none that nodes could have in a cache."""

There = Mapping[str, Sequence[ModelWorker]]
"""Workers by node that have memory there, or were promised some."""


class NodeAdmission:
    """Implements `Admits`: decides for the pool which node a worker runs on."""

    def __init__(
        self, known: Known, footprints: Footprints, policy: MemoryPolicy, clock: Clock, files_of: FilesOf
    ) -> None:
        self._known, self._footprints, self._policy = known, footprints, policy
        self._clock, self._files_of = clock, files_of
        self._avoided: dict[str, float] = {}
        self._refused: dict[tuple[str, str], tuple[float, ExitStatus]] = {}

    def seek(
        self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> memory.Decision:
        """Whether this worker's model may load now, and on which node: `worker.node`."""
        worker.own_windows, worker.placement, worker.cards = False, None, ()
        worker.gang, worker.ranks = None, ()
        nodes = self._known.nodes()
        if nodes is None:
            failure = self._known.failure()
            if failure is not None:
                return memory.Refuse(f"the cluster cannot be had: {failure.message}", soon=True)
            return memory.Wait(True, "its process tells of no nodes yet", "the cluster is starting")
        files = self._files_of(worker.resolved.load)
        supplied = partial(_supplied, worker.model, files)
        workers = [one for one in workers if one is not worker and counts(one)]
        there = _by_node(workers)
        if worker.resolved.nodes > 1:
            places = [self._place(node, worker, there, files) for node in nodes]
            worker.node, worker.there, worker.supply, worker.reserved = "", {}, None, 0
            return gangs.seek(worker, {node.name: node for node in nodes}, places, workers, supplied)
        need = self._footprints.need(worker.load)
        want = memory.Want(worker.name, need, worker.state.phase is Phase.WAITING, counted(worker))
        one_more = worker.group.others_there(worker)  # nobody goes for it
        choice = CardChoice(worker, self._footprints, lambda one: not one_more and resident(one).evictable)
        seats = {
            node.name: choice.on(node, self._place(node, worker, there, files), there.get(node.name, ()))
            for node in nodes
        }
        worker.node, decision = spread(want, [seat.place for seat in seats.values()], self._policy.max_loaded)
        worker.there, worker.supply, worker.reserved = {}, None, 0
        chosen = next((node for node in nodes if node.name == worker.node), None)
        if chosen is None or (seat := seats[chosen.name]).place.first is not None:
            return decision
        place, worker.placement = seat
        worker.cards = cards_of(chosen, worker.placement)
        if one_more and (less := less_on_devices(worker)):
            worker.node, worker.placement, worker.cards = "", None, ()
            return less
        worker.reserved = need if place.need is None else place.need
        worker.there, worker.supply = supplied(chosen)
        return decision

    def fits(self, load: LoadModel, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """Whether it could be loaded now without taking anything from anybody. Promises nothing."""
        there = _by_node(one for one in workers if counts(one))
        want = memory.Want(load.model, self._footprints.need(load))
        places = [self._free_on(node, there) for node in self._known.nodes() or ()]
        return isinstance(spread(want, places, self._policy.max_loaded)[1], memory.Admit)

    def has_room_for_spare(self, workers: Iterable[ModelWorker]) -> bool:
        """Nothing is kept warm on nodes."""
        return False

    def publish(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """There is nobody to tell: what a node really has free, its agents look at themselves."""
        return True

    def look(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> tuple[tuple[str, ...], str]:
        """Idle models that have to go because a node is short of memory, and why."""
        for node in self._known.nodes() or ():
            if node.silent or not (short := self._policy.shortage(node.free, node.pressure)):
                continue
            there = [_resident(one) for one in workers if node.name in one.nodes and counts(one)]
            if going := self._policy.relieve(node.free, node.pressure, there):
                return going, f"node {node.name} is short of memory: {short}"
        return (), ""

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        """See `admission.learn`. What a gang needs nobody has measured."""
        if worker.gang is None:
            learn(self._footprints, worker, loaded=loaded)

    def moved(self, worker: ModelWorker) -> None:
        """All of them are looked at for each decision."""

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its process has ended: that may tell something of its node."""
        now, node = self._clock.now(), status.node or worker.node
        if status.lost:
            self._avoided[node] = now + AVOIDED
        if status.refused:
            seconds = LACKS_ENGINE if status.cause == Code.ENGINE_MISSING else REFUSED
            self._refused[worker.name, node] = now + seconds, status
            self._clock.wake_at(now + seconds)

    def _place(self, node: Node, worker: ModelWorker, there: There, files: Files | None) -> Place:
        others = (one for one in worker.group.members if one is not worker and counts(one))
        beside = sum(one.node == node.name for one in others)
        place = msgspec.structs.replace(self._free_on(node, there), beside=beside)
        lacking = [file for file in files.files if file.identity not in node.files] if files else []
        if place.objection or not lacking:
            return self._as_refused(place, worker)
        size = sum(file.size for file in lacking)
        place = msgspec.structs.replace(place, lacks=True)
        elsewhere = (files and files.shared) or any(file.origin for file in lacking)  # may be seen there
        if node.disk is not None and node.disk < size and not elsewhere:
            figures = f"{memory.gigabytes(size)} of its files, {memory.gigabytes(node.disk)} of disk is free"
            return msgspec.structs.replace(place, objection=f"lacks {figures}", cause=Code.DISK_FULL)
        return self._as_refused(place, worker)

    def _as_refused(self, place: Place, worker: ModelWorker) -> Place:
        """The place, with what its node has said lately."""
        until, status = self._refused.get((worker.name, place.name), (0.0, ExitStatus()))
        if place.objection or self._clock.now() >= until:
            return place
        return msgspec.structs.replace(place, objection=f"refused it: {status.reason}", cause=status.cause)

    def _free_on(self, node: Node, workers: There) -> Place:
        there = tuple(_resident(one) for one in workers.get(node.name, ()))
        avoided = self._clock.now() < self._avoided.get(node.name, 0.0)
        objection = "is drained" if self._known.is_drained(node.name) else ""
        objection = "does not answer" if node.silent else objection
        awaited = node.silent and self._known.may_answer_soon(node.name)
        taken = memory.Claims(sum(one.taken for one in there))
        room = memory.room(node.free, self._policy.low, self._policy.budget, taken)
        cause = Code.NO_NODE if objection else None
        return Place(node.name, room, there, objection, cause, awaited, avoided)


def _by_node(workers: Iterable[ModelWorker]) -> There:
    """Who has memory on each node; looked at once, for all of them."""
    found: dict[str, list[ModelWorker]] = {}
    for worker in workers:
        for node in worker.nodes:
            found.setdefault(node, []).append(worker)
    return found


def _resident(worker: ModelWorker) -> memory.Resident:
    """See `admission.resident`. Of a gang each node has its part, which its nodes do not tell: once it is
    loaded it has all of it."""
    whole = resident(worker)
    if worker.gang is None:
        return whole
    return msgspec.structs.replace(whole, taken=whole.reserved if worker.state.phase in LOADED else 0)


def _supplied(model: str, files: Files | None, node: Node) -> tuple[Mapping[str, str], Supply | None]:
    """Where what lies at a path here lies on a node, and what it has to have."""
    if not node.cache or files is None:
        return {}, None
    supply = Supply(files.files, node.cache, files.origin, files.shared, files.pulled, model)
    return {path: str(Path(node.cache) / place) for path, place in files.places.items()}, supply
