"""Why a load does not go to a node, or goes there only if it must: what the node tells, lacks, has refused
and has lost lately. Part of the supervisor's reactor."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from ai_pal import __version__, memory
from ai_pal.errors import Code, Failure
from ai_pal.memory.spread import Place
from ai_pal.protocol.cluster import DISK_SPARE, ModelFile, Node
from ai_pal.protocol.wanted import Wanted
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.admission.admission import counts
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Clock

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

    def stirred(self) -> Collection[str]:
        """Nodes where workers have another amount of memory than when this was asked last."""


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


class Objections:
    """What is known of nodes by name is in `known`."""

    def __init__(self, known: Known, clock: Clock) -> None:
        self._known, self._clock = known, clock
        self._avoided: dict[str, float] = {}
        self._refused: dict[tuple[str, str], tuple[float, ExitStatus]] = {}

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its process has ended: that may tell something of its node."""
        now, node = self._clock.now(), status.node or worker.node
        self._avoided = {one: until for one, until in self._avoided.items() if until > now}
        self._refused = {pair: said for pair, said in self._refused.items() if said[0] > now}
        if status.lost:
            self._avoided[node] = now + AVOIDED
        if status.refused:
            seconds = LACKS_ENGINE if status.cause == Code.ENGINE_MISSING else REFUSED
            self._refused[worker.name, node] = now + seconds, status
            self._clock.wake_at(now + seconds)

    def as_to(
        self, worker: ModelWorker, line: Iterable[tuple[Node, Place]], files: Files | None
    ) -> Iterator[tuple[Node, Place]]:
        """The nodes as they are to this load."""
        others = [one for one in worker.group.members if one is not worker and counts(one)]
        beside, wanted = Counter(one.node for one in others), files.identities if files else frozenset()
        for node, free in line:
            place = self.as_it_is(node, free)
            if node.name in beside:
                place = replace(place, beside=beside[node.name])
            if files is not None and not wanted <= node.files:
                place = self._lacking(place, node, files)
            yield node, self._as_refused(place, worker) if self._refused else place

    def _lacking(self, place: Place, node: Node, files: Files) -> Place:
        """The place, where the node has not all files."""
        if place.objection:
            return place
        lacking = [file for file in files.files if file.identity not in node.files]
        size, place = sum(file.size for file in lacking), replace(place, lacks=True)
        elsewhere = files.shared or any(file.origin for file in lacking)  # may be seen there
        if node.disk is not None and node.disk < size + DISK_SPARE and not elsewhere:
            figures = f"{memory.gigabytes(size)} of its files, {memory.gigabytes(node.disk)} of disk is free"
            return replace(place, objection=f"lacks {figures}", cause=Code.DISK_FULL)
        return place

    def _as_refused(self, place: Place, worker: ModelWorker) -> Place:
        """The place, with what its node has said lately."""
        until, status = self._refused.get((worker.name, place.name), (0.0, ExitStatus()))
        if place.objection or self._clock.now() >= until:
            return place
        return replace(place, objection=f"refused it: {status.reason}", cause=status.cause)

    def as_it_is(self, node: Node, place: Place) -> Place:
        """The place, with what is said of its node alone."""
        if node.name in self._avoided and self._clock.now() < self._avoided[node.name]:
            place = replace(place, avoided=True)
        if node.silent:
            soon = self._known.may_answer_soon(node.name)
            return replace(place, objection="does not answer", cause=Code.NO_NODE, awaited=soon)
        if node.version not in ("", __version__):
            has = f"has AI-PAL {node.version}, this is {__version__}"
            return replace(place, objection=has, cause=Code.NO_NODE)
        if self._known.is_drained(node.name):
            return replace(place, objection="is drained", cause=Code.NO_NODE)
        return place
