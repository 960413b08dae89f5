"""Which cards of a node a load gets, by what decides that on one machine (`placing`). Part of the
supervisor's reactor."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import msgspec

from ai_pal.memory import Evict, Refuse, Wait
from ai_pal.memory.card_search import CardRoom, Layers
from ai_pal.memory.devices import Device
from ai_pal.memory.placement import ANY, HOST, RESERVE, Blocks, seen_alone
from ai_pal.memory.spread import Place
from ai_pal.protocol.cluster import CardShare, Node
from ai_pal.protocol.worker import LoadModel, Share
from ai_pal.server.pool.admission import placing
from ai_pal.server.pool.admission.admission import resident
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.ports import Footprints


class Seat(NamedTuple):
    """A node as a load sees it, and what of the model lies on which of its cards there: None where its engine
    computes on none."""

    place: Place
    shares: list[Share] | None = None


class CardChoice:
    """For one load: on any number of nodes, and it reads the model's files at most once."""

    def __init__(self, worker: ModelWorker, footprints: Footprints) -> None:
        self._worker, self._footprints = worker, footprints
        self.nobody_goes = worker.group.others_there(worker)
        """For one more replica."""
        self._needs: dict[tuple[Share, ...], int] = {}

    def on(self, node: Node, place: Place, there: Collection[ModelWorker]) -> Seat:
        """The node with what its cards come to; `there` are the workers that it has."""
        load = self._worker.resolved.load
        if place.objection or (load.engine not in node.computing and not _demands(load)):
            return Seat(place)
        now = self._without(node, place, there, ())
        gangs = [one for one in there if one.gang is not None]
        if not gangs or self.layers is None or now.place.first or now.place.blocks >= self.layers.most:
            return now
        for way in (Wait, Evict):
            going = [one for one in gangs if self._goes(one, way)]
            then = self._without(node, place, there, going)
            if going and not then.place.objection and then.place.blocks > now.place.blocks:
                names, why = tuple(one.name for one in going), f"{self._worker.name} needs a card of theirs"
                first = Evict(names, why) if way is Evict else Wait(True, why)
                return Seat(msgspec.structs.replace(then.place, first=first), then.shares)
        return now

    def _goes(self, gang: ModelWorker, way: type[Wait | Evict]) -> bool:
        """Whether it goes already, or may have to."""
        return gang.state.phase in placing.GOING if way is Wait else self._may_go(gang)

    def _without(
        self, node: Node, place: Place, there: Collection[ModelWorker], gone: Collection[ModelWorker]
    ) -> Seat:
        """The same when these gangs have ended."""
        load = self._worker.resolved.load
        held = {card.uuid for one in there if one not in gone for card in held_by_gang(node.name, one)}
        back = sum((Counter(given_back(node, one)) for one in gone), Counter[str]())
        seen = [
            one._replace(free=min(one.total, one.free + back[one.uuid]))
            for one in devices_of(node, load.engine)
            if one.uuid not in held
        ]
        if not seen:
            lacks = _lacks(node, load.engine)
            return Seat(_objected(place, f"has no {lacks}") if _demands(load) else place)
        if load.device not in (*ANY, HOST, *(one.name for one in seen)):
            return Seat(_objected(place, f"has no {load.device}"))
        placed = placing.place(self._worker, self._blocks, there, seen, self._may_go)
        if isinstance(placed.first, Refuse):
            on = ", ".join(f"{one.free / 1e9:.1f} GB on {one.name}" for one in placed.left)
            return Seat(_objected(place, f"has {on} free"))
        place = msgspec.structs.replace(
            place, need=self._need(placed.shares), blocks=placed.blocks, first=placed.first,
            cards=tuple(placed.left),
        )  # fmt: skip
        return Seat(place, placed.shares)

    def _may_go(self, other: ModelWorker) -> bool:
        return not self.nobody_goes and resident(other).evictable

    @cached_property
    def layers(self) -> Layers | None:
        """What of it may come to lie on cards; None for nothing."""
        load, blocks = self._worker.resolved.load, self._blocks
        if load.vocabulary or load.device == HOST or load.gpu_layers == 0 or not (blocks and blocks.loaded):
            return None
        every = len(blocks.loaded)
        return Layers.of(blocks, min(load.gpu_layers, every) if load.gpu_layers > 0 else every)

    @cached_property
    def _blocks(self) -> Blocks | None:
        return placing.blocks_for(self._worker)

    def _need(self, shares: list[Share] | None) -> int | None:
        """Bytes of the node's own memory beside these."""
        if shares is None:
            return None
        key = tuple(seen_alone(shares))
        if key not in self._needs:
            load = msgspec.structs.replace(self._worker.load, placement=[*key])
            self._needs[key] = self._footprints.need(load)
        return self._needs[key]


def room_on_cards(node: Node, there: Collection[ModelWorker]) -> CardRoom:
    """At most, by sums: whether a model fits beside others on one of the cards is not known by these."""
    if not node.cards:
        return CardRoom(0)
    held = {card.uuid for one in there for card in held_by_gang(node.name, one)}
    promised = placing.promised(there)
    rooms = [one.free - promised.get(one.name, 0) - RESERVE for one in node.cards if one.uuid not in held]
    room = sum(max(0, one) for one in rooms) or max(rooms, default=0)

    def of(one: ModelWorker) -> int:
        if one.gang is None:
            return placing.held([one]).total()
        back = given_back(node, one)  # its cards count for nobody else: what is free there comes back too
        return sum(card.free + back[card.uuid] for card in node.cards if card.uuid in back)

    ending = [one for one in there if one.state.phase in placing.GOING]
    idle = [one for one in there if one.state.phase is Phase.READY and resident(one).evictable]
    gives = sorted((of(one) for one in idle if one.placement or one.gang), reverse=True)
    return CardRoom(room, sum(map(of, ending)), tuple(accumulate(gives)))


def devices_of(node: Node, engine: str) -> list[Device]:
    """The cards of a node that this engine computes on there."""
    if engine not in node.computing:
        return []
    return [Device(one.name, one.free, one.total, one.label, one.uuid) for one in node.cards]


def given_back(node: Node, worker: ModelWorker) -> dict[str, int]:
    """The cards of a node, by their drivers' names, of which this worker has something, and the bytes that
    its end gives back. What is still to be loaded there has taken nothing yet."""
    loaded = worker.state.phase in placing.LOADED
    if (gang := worker.gang) is not None:
        mine = {card.uuid for card in held_by_gang(node.name, worker)}
        return {one.uuid: round(gang.part * one.total) * loaded for one in node.cards if one.uuid in mine}
    shares = {share.device: share for share in worker.placement or ()}
    return {one.uuid: shares[one.name].loaded * loaded for one in node.cards if one.name in shares}


def held_by_gang(node: str, worker: ModelWorker) -> list[CardShare]:
    """The cards of a node that a model over several nodes has as a whole."""
    if worker.gang is None:
        return []
    own = worker.cards if worker.node == node else ()
    return [*own, *(card for rank in worker.ranks if rank.node == node for card in rank.cards)]


def cards_of(node: Node, shares: Sequence[Share] | None) -> tuple[CardShare, ...]:
    """Those that a worker sees whose model lies there so, in their order."""
    known = {card.name: card for card in node.cards}
    return tuple(
        CardShare(card.uuid, min(1.0, size / max(card.total, 1)), size)
        for share in shares or ()
        if (card := known.get(share.device)) is not None and (size := share.loaded + share.growth) >= 0
    )


def _demands(load: LoadModel) -> bool:
    """Whether it is to compute on a card, and nowhere else."""
    asked = load.device not in ("", HOST) or load.gpu_layers > 0
    return asked and not load.vocabulary


def _lacks(node: Node, engine: str) -> str:
    if not node.cards:
        return "card"
    return "card that is free" if engine in node.computing else f"{engine} that computes on its cards"


def _objected(place: Place, why: str) -> Place:
    return msgspec.structs.replace(place, objection=why)
