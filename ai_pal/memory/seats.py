"""Which nodes, and which of their cards, a gang gets: processes that are one model together, each on a node
of its own. All of them or none. Pure."""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

from ai_pal.counted import counted
from ai_pal.memory.decision import gigabytes
from ai_pal.memory.devices import Device
from ai_pal.memory.spread import MOST_TOLD, Place

PER_CARD = 4 << 30
"""Beside its part of the weights: what is computed with, and the least of a cache. Estimated, and never
measured."""

KEPT_FREE = 1 << 30
"""Of a card: what others have there, and the process's own context."""

MOST_OF_CARD = 0.9
"""Of a card's memory; as vLLM has it."""

COUNTS = (1, 2, 4, 8, 16)
"""Cards of a node that a model's layers are cut for: these divide its heads."""


class Seats(NamedTuple):
    """The nodes in the order of their ranks, and the cards that each gives; `part` of the memory of all of
    them can be had."""

    nodes: tuple[tuple[str, tuple[Device, ...]], ...]
    part: float


def seats(size: int, count: int, need: int, places: Sequence[Place]) -> Seats | None:
    """For weights of `size` bytes on `count` nodes that have `need` bytes of memory each, by the cards of
    which nobody has anything (`Place.cards`). As few cards as will do, of the nodes with the most room.
    Nodes that are avoided are taken only where it cannot be without them."""
    fit = [place for place in places if not place.objection and place.room >= need]
    for among in ([place for place in fit if not place.avoided], fit):
        for cards in COUNTS:
            if found := _seated(per_card(size, count, cards), count, cards, among):
                return found
    return None


def per_card(size: int, count: int, cards: int) -> int:
    """Bytes that have to be free on each card."""
    return size // (count * cards) + PER_CARD


def shortage(model: str, size: int, count: int, need: int, places: Sequence[Place]) -> str:
    """Why a gang has no seats, with figures, by node and card; of many nodes those with the most of cards."""
    least = gigabytes(per_card(size, count, 1))
    wanted = f"{model} needs {gigabytes(need)} on each of {count} nodes, and {least} on a card of each"
    told = heapq.nlargest(
        MOST_TOLD, places, lambda place: max((card.free for card in place.cards), default=0)
    )
    each = [_figures(place) for place in sorted(told, key=lambda place: place.name)]
    more = [f"and {counted(len(places) - len(told), 'node')} more"] if len(told) < len(places) else []
    return f"{wanted}; {', '.join([*each, *more]) or 'there is no node'}"


def _seated(least: int, count: int, cards: int, places: Sequence[Place]) -> Seats | None:
    found = []
    for place in sorted(places, key=lambda place: (place.lacks, -place.room, place.name)):
        wide = sorted((card for card in place.cards if card.free >= least), key=lambda card: -card.free)
        if len(wide) >= cards:
            found.append((place.name, tuple(wide[:cards])))
    if len(found) < count:
        return None
    part = min((one.free - KEPT_FREE) / one.total for _, taken in found[:count] for one in taken)
    return Seats(tuple(found[:count]), min(part, MOST_OF_CARD))


def _figures(place: Place) -> str:
    if place.objection:
        return f"{place.name} {place.objection}"
    free = " and ".join(f"{gigabytes(card.free)} on {card.name}" for card in place.cards)
    return f"{place.name} has {gigabytes(place.room)} free and {free or 'no card that is all free'}"
