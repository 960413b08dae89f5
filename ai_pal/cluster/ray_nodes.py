"""Ray's nodes under names for people, and what Ray has left to give on them. Pure, and without Ray."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from ai_pal.errors import Code
from ai_pal.memory import gigabytes
from ai_pal.protocol.cluster import Ticket

MEMORY, CARDS = "memory", "GPU"
"""Ray's names of what it gives out."""

FINEST = 0.0001
"""The smallest part of anything that Ray gives out."""


class RayNode(msgspec.Struct, frozen=True):
    """One row of Ray's table that is alive. `total` is what Ray may give out there, by its names, `address`
    is its host's."""

    name: str
    id: str
    total: Mapping[str, float]
    address: str = ""


def alive(
    table: Iterable[Mapping[str, Any]], used: Mapping[str, str], failed: Collection[str]
) -> dict[str, RayNode]:
    """The nodes that are alive, by name: the one that they were started with (`--node-name`), else that of
    their host. Of several with one name that in `used` stays (ids by name), else one is taken that has not
    `failed` (ids): a node that was started again stands beside its former self until Ray notices the end of
    that."""
    found: dict[str, RayNode] = {}
    for row in sorted(table, key=lambda row: (row["NodeID"] in failed, str(row["NodeID"]))):
        if row["Alive"]:
            node = RayNode(
                _called(row), str(row["NodeID"]), row.get("Resources", {}), row["NodeManagerAddress"]
            )
            if node.name not in found or used.get(node.name) == node.id:
                found[node.name] = node
    return found


def _called(row: Mapping[str, Any]) -> str:
    name = row.get("NodeName", "")
    return str(name if name and name != row["NodeManagerAddress"] else row["NodeManagerHostname"])


def refusal(ticket: Ticket, node: RayNode, free: Mapping[str, float]) -> tuple[str, Code | None]:
    """Why Ray would not start this agent there now, or would wait for ever with it; "" if it can. With it the
    code of that, None where memory is lacking: of cards Ray only counts whom it has given them to."""
    lacking, short = list[str](), free.get(MEMORY, 0.0) < ticket.need
    if short:
        left, total = (gigabytes(int(one.get(MEMORY, 0.0))) for one in (free, node.total))
        lacking.append(f"{gigabytes(ticket.need)} of memory is needed, Ray has {left} of {total} left")
    if free.get(CARDS, 0.0) < (wanted := cards_of(ticket)):
        left, total = (f"{one.get(CARDS, 0.0):g}" for one in (free, node.total))
        lacking.append(f"{wanted:g} of the graphics cards is needed, Ray has {left} of {total} left")
    return "; ".join(lacking), None if short or not lacking else Code.NO_NODE


def cards_of(ticket: Ticket) -> float:
    """How many cards this takes, as Ray counts: a part of one, or some as a whole. Which these are, Ray does
    not choose."""
    if len(ticket.cards) == 1:
        return min(1.0, math.ceil(ticket.cards[0].part / FINEST) * FINEST)
    return len(ticket.cards)


def last_words(error: BaseException | None) -> str:
    """Its last line that says something: Ray's errors are pages, with the cause at their end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
