"""Memory for loads on nodes: looks at what each has free, asks the pure cores, and reserves, in one step."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ai_pal import memory
from ai_pal.errors import Code
from ai_pal.memory.card_search import best_on_cards
from ai_pal.memory.spread import Place, first_that_will_do, most_of, spread, when_some_have_left
from ai_pal.protocol.cluster import Node, Supply
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.admission.admission import MemoryPolicy, learn, less_on_devices
from ai_pal.server.pool.admission.admission import places as counted
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import WarmPool
from ai_pal.server.pool.nodes import gangs, given_back
from ai_pal.server.pool.nodes.cards import CardChoice, Seat, cards_of
from ai_pal.server.pool.nodes.given_back import GivenBack
from ai_pal.server.pool.nodes.hopes import Hopes
from ai_pal.server.pool.nodes.objections import Files, Known, Objections
from ai_pal.server.pool.nodes.occupancy import Occupancy
from ai_pal.server.pool.nodes.places import Places
from ai_pal.server.ports import Clock, Footprints

FilesOf = Callable[[LoadModel], Files | None]
"""Those of what is loaded so here; None: it has none that nodes could have in a cache."""


class NodeAdmission:
    """Implements `Admits`: decides for the pool which node a worker runs on."""

    def __init__(
        self,
        known: Known,
        footprints: Footprints,
        policy: MemoryPolicy,
        clock: Clock,
        files_of: FilesOf,
        first_port: int = 0,
    ) -> None:
        """`first_port` is which of `gangs.PORTS` is tried first: another one in each supervisor, for they do
        not know of each other."""
        self._known, self._footprints, self._policy, self._first_port = known, footprints, policy, first_port
        self._clock, self._files_of = clock, files_of
        self._occupancy, self._hopes = Occupancy(), Hopes()
        self._places = Places(self._occupancy, policy)
        self._most_room: tuple[Sequence[Node], int, int] = (), 0, 0
        """What a node may have at most, of which nodes, and after how many changes of who is there."""
        self._given_back, self._objections = GivenBack(), Objections(known, clock)

    def seek(
        self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool
    ) -> memory.Decision:
        """Whether this worker's model may load now, and on which node: `worker.node`."""
        waits = worker.state.phase is Phase.WAITING
        held = worker.nodes if waits and worker.reserved else ()
        if any(self._given_back.on(node, self._clock.now()) for node in held):
            return memory.Wait(True, "a node has not told yet that what ended there is free")
        worker.own_windows, worker.placement, worker.cards = False, None, ()
        worker.gang, worker.ranks = None, ()
        nodes = self._known.nodes()
        if nodes is None:
            failure = self._known.failure()
            if failure is not None:
                return memory.Refuse(f"the cluster cannot be had: {failure.message}", True, Code.NO_NODE)
            return memory.Wait(True, "no node has answered yet", "the cluster is starting", Code.NO_NODE)
        need, alone = self._footprints.need(worker.load), worker.resolved.nodes == 1
        told = self._hopes.told(worker, self._clock.now()) if waits else None
        if told and (not alone or need > self._most(nodes)):
            return told
        self._occupancy.leave(worker)
        files = self._files_of(worker.resolved.load)
        supplied = partial(_supplied, worker.model, files)
        if alone:
            want = memory.Want(worker.name, need, waits, counted(worker))
            decision = self._seat(want, worker, nodes, files, supplied, *held[:1])
        else:
            decision = self._seat_gang(worker, nodes, files, supplied, held)
        if isinstance(decision, memory.Refuse) and self._may_be_told(decision, need):
            decision = memory.Wait(False, decision.reason)
        self._hopes.decided(worker, decision, self._clock.now())
        self._occupancy.moved(worker)
        return decision

    def _may_be_told(self, decision: memory.Refuse, need: int) -> bool:
        """Whether what this was refused for may only not be told yet."""
        given = self._given_back.anywhere(self._clock.now()).items()
        places = [(there[1], more) for node, more in given if (there := self._places.of(node)) is not None]
        lacks_memory = decision.code == Code.INSUFFICIENT_MEMORY
        return lacks_memory and any(need <= place.room + more for place, more in places)

    def _seat(
        self,
        want: memory.Want,
        worker: ModelWorker,
        nodes: Sequence[Node],
        files: Files | None,
        supplied: gangs.Supplied,
        held: str = "",
    ) -> memory.Decision:
        """On one node. What is to go there is looked at once more: it may have something to do since it was
        counted."""
        choice = CardChoice(worker, self._footprints)
        while True:
            seats, decision = self._chosen(want, worker, nodes, files, choice, held)
            if not isinstance(decision, memory.Evict) or not self._occupancy.recount(worker.node):
                break
        worker.there, worker.supply, worker.reserved = {}, None, 0
        chosen = next((node for node in nodes if node.name == worker.node), None)
        if chosen is None:
            return decision
        place, worker.placement = seats[chosen.name]
        worker.cards = cards_of(chosen, worker.placement)
        less: memory.Decision | None = less_on_devices(worker) if choice.nobody_goes else None
        fewer = choice.layers is not None and place.blocks < choice.layers.most
        if fewer and isinstance(decision, memory.Admit) and self._may_get_a_card(worker):
            what = "a graphics card is being given back"
            less = memory.Wait(False, "its node has not told yet that it is free", what)
        if less:
            worker.node, worker.placement, worker.cards = "", None, ()
            return less
        worker.reserved = want.need if place.need is None else place.need
        worker.there, worker.supply = supplied(chosen)
        return decision

    def _may_get_a_card(self, worker: ModelWorker) -> bool:
        """For a moment, where one may be free and is not told so: it would be slow for as long as it runs."""
        now, waits = self._clock.now(), worker.state.phase is Phase.WAITING
        return self._given_back.cards(now) and not (waits and now - worker.state.since > given_back.SECONDS)

    def _seat_gang(
        self,
        worker: ModelWorker,
        nodes: Sequence[Node],
        files: Files | None,
        supplied: gangs.Supplied,
        held: Sequence[str],
    ) -> memory.Decision:
        """On several. Who is to go is looked at once more, too."""
        by_name = {node.name: node for node in nodes}
        seen = gangs.Seen(by_name, self._occupancy.on, supplied, self._policy.max_loaded, self._first_port)
        while True:
            worker.node, worker.there, worker.supply, worker.reserved = "", {}, None, 0
            worker.gang, worker.ranks = None, ()
            places = [place for _, place in self._objections.as_to(worker, self._look(nodes), files)]
            decision = gangs.seek(worker, places, seen, held)
            where = worker.nodes if isinstance(decision, memory.Evict) else ()
            if not [node for node in where if self._occupancy.recount(node)]:
                return decision

    def _chosen(
        self,
        want: memory.Want,
        worker: ModelWorker,
        nodes: Sequence[Node],
        files: Files | None,
        choice: CardChoice,
        held: str,
    ) -> tuple[dict[str, Seat], memory.Decision]:
        """The nodes that were looked at, and whether it may load on one of them, `worker.node`: that where
        others go for it already (`held`), else the first that will do, else what `spread` makes of all."""
        seats: dict[str, Seat] = {}
        places, engine = self._look(nodes), worker.resolved.load.engine
        layers = choice.layers if engine in places.engines else None

        def seated(line: Iterable[tuple[Node, Place]]) -> Iterator[Place]:
            for node, place in self._objections.as_to(worker, line, files):
                seats[node.name] = choice.on(node, place, self._occupancy.on(node.name))
                yield seats[node.name].place

        most = self._policy.max_loaded
        if held and (there := places.of(held)) is not None:
            worker.node, decision = spread(want, list(seated([there])), most)
            if isinstance(decision, memory.Admit) or (
                isinstance(decision, memory.Wait) and decision.promised
            ):
                return seats, decision
        if layers is not None:

            def seat(name: str) -> Place:
                there = places.of(name)
                assert there is not None
                return next(seated([there]))

            with_room = (one for one in places if places.cards(one[0], engine).free >= layers.size)
            found = first_that_will_do(want, seated(with_room), most, layers.most, leaving=True)
            every = self._objections.as_to(worker, places, files)
            found = found or best_on_cards(
                want, layers, ((place, places.cards(node, engine)) for node, place in every), seat, most,
                nobody_goes=choice.nobody_goes,
            )  # fmt: skip
        else:
            leaving = any(want.need <= when_some_have_left(place) for place in places.leaving)
            found = first_that_will_do(want, seated(places), most, leaving=leaving)
        worker.node, decision = found or spread(want, list(seated(places)), most)
        return seats, decision

    def fits(self, load: LoadModel, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """Whether it could be loaded now without taking anything from anybody. Promises nothing."""
        want = memory.Want(load.model, self._footprints.need(load))
        places = [
            self._objections.as_it_is(node, place) for node, place in self._look(self._known.nodes() or ())
        ]
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
            self._occupancy.recount(node.name)
            there = self._occupancy.residents(node.name).every
            if going := self._policy.relieve(node.free, node.pressure, there):
                return going, f"node {node.name} is short of memory: {short}"
        return (), ""

    def moved(self, worker: ModelWorker) -> None:
        """See `Admits`."""
        self._occupancy.moved(worker)
        if worker.state.phase is not Phase.WAITING:
            self._hopes.leave(worker)

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        """See `admission.learn`. What a gang needs nobody has measured."""
        if worker.gang is None:
            learn(self._footprints, worker, loaded=loaded)
        self._occupancy.moved(worker)

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Its process has ended: that may tell something of its node."""
        if not status.refused:  # else it had nothing
            now = self._clock.now()
            self._given_back.ended(worker.nodes, worker.reserved, now, cards=bool(worker.cards))
        self._objections.ended(worker, status)

    def _look(self, nodes: Sequence[Node]) -> Places:
        """The nodes by their room, as it is now."""
        for node in self._known.stirred():
            self._occupancy.changed(node)
        return self._places.look(nodes)

    def _most(self, nodes: Sequence[Node]) -> int:
        """Bytes that a load may come to have on a node, when those have gone there that would for it."""
        places, changes = self._look(nodes), self._occupancy.changes
        if self._most_room[0] is not nodes or self._most_room[1] != changes:
            found = (most_of(place) for node, place in places if not node.silent)
            self._most_room = nodes, changes, max(found, default=0)
        return self._most_room[2]


def _supplied(model: str, files: Files | None, node: Node) -> tuple[Mapping[str, str], Supply | None]:
    """Where what lies at a path here lies on a node, and what it has to have."""
    if not node.cache or files is None:
        return {}, None
    supply = Supply(files.files, node.cache, files.origin, files.shared, files.pulled, model)
    return {path: str(Path(node.cache) / place) for path, place in files.places.items()}, supply
