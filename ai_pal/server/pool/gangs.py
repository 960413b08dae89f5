"""A model over several nodes, as the pool has it: one worker, whose processes are placed all or not at all.
What they agree on is told to the first as a part of its load, to the others as arguments."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from ai_pal import memory
from ai_pal.errors import Code
from ai_pal.memory.seats import seats, shortage
from ai_pal.memory.spread import Place
from ai_pal.protocol.cluster import CardShare, Node, Supply
from ai_pal.protocol.worker import Gang
from ai_pal.server.nodes.base import LaunchSpec
from ai_pal.server.pool.model_worker import ModelWorker, Rank
from ai_pal.server.pool.node_cards import devices_of, held_by_gangs

MODULE = "workers.rank"
"""What runs on the nodes but the first."""

NEED = 2 << 30
"""Bytes of memory that each node has to have at least for the processes of an engine on its cards. Estimated,
and never measured."""

PORTS = range(29501, 29565)
"""Where the processes of a gang meet, on its first node."""

There = Callable[[str], Collection[ModelWorker]]
"""Who has memory on a node, or was promised some."""

Supplied = Callable[[Node], tuple[Mapping[str, str], Supply | None]]
"""Where what lies at a path here lies on a node, and what it has to have."""


def seek(
    worker: ModelWorker,
    nodes: Mapping[str, Node],
    places: Sequence[Place],
    there: There,
    supplied: Supplied,
    max_loaded: int = 0,
    first_port: int = 0,
) -> memory.Decision:
    """Whether it may load now, and where all of its processes run then; it is itself nowhere `there`.
    `max_loaded` bounds the models of each node. Which port is free there is not known here: of `PORTS` those
    from the number `first_port` on are tried, another one after each crash."""
    engine, size, count = worker.resolved.load.engine, worker.resolved.size, worker.resolved.nodes
    seen = [_with_cards(one, nodes[one.name], engine, there(one.name)) for one in places]
    seen = [_as_others_know_it(_with_room(one, max_loaded), nodes) for one in seen]
    found = seats(size, count, NEED, seen)
    if found is None:
        reason = shortage(worker.name, size, count, NEED, seen)
        if any(one.awaited for one in seen):
            return memory.Wait(False, reason)
        lacking = bool(nodes) and not any(engine in node.computing for node in nodes.values())
        code = Code.ENGINE_MISSING if lacking else Code.INSUFFICIENT_MEMORY
        return memory.Refuse(f"no room for all of it: {reason}", soon=any(map(there, nodes)), code=code)
    first, *ranks = (
        Rank(name, *supplied(nodes[name]), tuple(CardShare(one.uuid, 1.0) for one in cards))
        for name, cards in found.nodes
    )
    beside = (one for one in there(first.node) if one.node == first.node)
    taken = {one.gang.port for one in beside if one.gang is not None}
    turn = first_port + len(worker.state.crashes)
    in_turn = (PORTS[(turn + more) % len(PORTS)] for more in range(len(PORTS)))
    port = next(port for port in in_turn if port not in taken)
    addresses = [nodes[name].address for name, _ in found.nodes]
    worker.gang = Gang(addresses, port, len(first.cards), round(found.part, 3))
    worker.node, worker.there = first.node, first.there
    worker.supply, worker.cards = first.supply, first.cards
    worker.ranks, worker.reserved = tuple(ranks), NEED
    return memory.Admit()


def specs_of(worker: ModelWorker) -> list[LaunchSpec]:
    """What is started for a worker, the process first that speaks for it."""
    first = LaunchSpec(
        worker.identity, "workers", node=worker.node, need=worker.reserved, supply=worker.supply,
        cards=worker.cards,
    )  # fmt: skip
    return [first, *(_rank(worker, number, rank) for number, rank in enumerate(worker.ranks, 1))]


def _rank(worker: ModelWorker, number: int, rank: Rank) -> LaunchSpec:
    load = msgspec.json.encode(worker.load_at(rank.there)).decode()
    args = ("--rank", str(number), "--load", load)
    return LaunchSpec(
        f"{worker.identity}.{number}", MODULE, args, node=rank.node, need=worker.reserved,
        supply=rank.supply, cards=rank.cards,
    )  # fmt: skip


def _with_cards(place: Place, node: Node, engine: str, there: Collection[ModelWorker]) -> Place:
    """The node with the cards of which nobody has anything."""
    objection = place.objection
    if not objection and engine not in node.computing:
        objection = f"has no {engine}" if node.cards else "has no card"
    shared = {share.device for one in there if one.gang is None for share in one.placement or ()}
    held = held_by_gangs(node.name, there)
    cards = [one for one in devices_of(node, engine) if one.name not in shared and one.uuid not in held]
    return msgspec.structs.replace(place, objection=objection, cards=tuple(cards))


def _with_room(place: Place, max_loaded: int) -> Place:
    if place.objection or not max_loaded or sum(one.places for one in place.there.every) < max_loaded:
        return place
    return msgspec.structs.replace(place, objection=f"has as many models as may be loaded: {max_loaded}")


def _as_others_know_it(place: Place, nodes: Mapping[str, Node]) -> Place:
    """One that knows only its loopback's address is reached by others where all of them are this machine."""
    address, others = nodes[place.name].address, (one.address for one in nodes.values())
    if place.objection or (address and (not _is_near(address) or all(map(_is_near, filter(None, others))))):
        return place
    return msgspec.structs.replace(place, objection="has no address that others know")


def _is_near(address: str) -> bool:
    return address == "::1" or address.startswith("127.")
