"""A model over several nodes, as the pool has it: one worker, whose processes are placed all or not at all.
What they agree on is told to the first as a part of its load, to the others as arguments."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ai_pal import memory
from ai_pal.errors import Code
from ai_pal.memory.devices import Device
from ai_pal.memory.gang_decision import GangWant, Station, decide_gang
from ai_pal.memory.seats import Seats
from ai_pal.memory.spread import Place
from ai_pal.protocol.cluster import CardShare, Node, Supply
from ai_pal.protocol.worker import Gang
from ai_pal.server.nodes.base import LaunchSpec
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker, Rank
from ai_pal.server.pool.nodes.cards import devices_of, given_back

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


class Seen(NamedTuple):
    """All nodes, who has memory `there`, and how many models each may have. Which of `PORTS` is free on a
    node is not known here: those from the number `first_port` on are tried, another after each crash."""

    nodes: Mapping[str, Node]
    there: There
    supplied: Supplied
    max_loaded: int = 0
    first_port: int = 0


def seek(
    worker: ModelWorker, places: Sequence[Place], seen: Seen, held: Sequence[str] = ()
) -> memory.Decision:
    """Whether it may load now, and where all of its processes run then, or have their places kept until
    others have gone; it is itself nowhere `there`. `held` are the nodes where they were kept before."""
    engine, resolved = worker.resolved.load.engine, worker.resolved
    in_line = worker.state.phase is Phase.WAITING
    wanted = GangWant(worker.name, resolved.size, resolved.nodes, NEED, held, in_line)
    found, decision = decide_gang(wanted, [_station(one, engine, seen) for one in places])
    if found is not None:
        _seat(worker, found, seen)
    lacking = seen.nodes and not any(engine in node.computing for node in seen.nodes.values())
    if isinstance(decision, memory.Refuse) and lacking:
        return msgspec.structs.replace(decision, code=Code.ENGINE_MISSING)
    return decision


def _seat(worker: ModelWorker, found: Seats, seen: Seen) -> None:
    """All of it is to run there."""
    nodes = seen.nodes
    first, *ranks = (
        Rank(name, *seen.supplied(nodes[name]), tuple(_whole(one, found.part) for one in cards))
        for name, cards in found.nodes
    )
    beside = (one for one in seen.there(first.node) if one.node == first.node)
    taken = {one.gang.port for one in beside if one.gang is not None}
    turn = seen.first_port + len(worker.state.crashes)
    in_turn = (PORTS[(turn + more) % len(PORTS)] for more in range(len(PORTS)))
    port = next(port for port in in_turn if port not in taken)
    addresses = [nodes[name].address for name, _ in found.nodes]
    worker.gang = Gang(addresses, port, len(first.cards), round(found.part, 3))
    worker.node, worker.there = first.node, first.there
    worker.supply, worker.cards = first.supply, first.cards
    worker.ranks, worker.reserved = tuple(ranks), NEED


def _whole(card: Device, part: float) -> CardShare:
    """A card that is the gang's alone, and of which it takes this part."""
    return CardShare(card.uuid, 1.0, round(part * card.total))


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


def _station(place: Place, engine: str, seen: Seen) -> Station:
    """The node with all of its cards, and who has something of them."""
    node = seen.nodes[place.name]
    objection = place.objection or _unreachable(node, seen.nodes)
    if not objection and engine not in node.computing:
        objection = f"has no {engine}" if node.cards else "has no card"
    if objection:
        return Station(msgspec.structs.replace(place, objection=objection))
    held = {one.name: cards for one in seen.there(place.name) if (cards := given_back(node, one))}
    place = msgspec.structs.replace(place, cards=tuple(devices_of(node, engine)))
    return Station(place, held, seen.max_loaded)


def _unreachable(node: Node, nodes: Mapping[str, Node]) -> str:
    """One that knows only its loopback's address is reached by others where all of them are this machine."""
    address = node.address
    if address and (
        not _is_near(address) or all(_is_near(one.address) for one in nodes.values() if one.address)
    ):
        return ""
    return "has no address that others know"


def _is_near(address: str) -> bool:
    return address == "::1" or address.startswith("127.")
