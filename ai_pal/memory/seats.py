"""Which nodes a gang gets: processes that are one model together, each on its own node. All or nothing."""

from collections.abc import Sequence

from ai_pal.memory.decision import gigabytes
from ai_pal.memory.spread import Place


def seats(needs: Sequence[int], places: Sequence[Place]) -> tuple[str, ...] | None:
    """A node for each rank, whose bytes are `needs`, in their order; None where not all have one, and then
    none has. What needs most gets the node with the most room; nobody goes for it. Nodes that are avoided are
    taken only where it cannot be without them."""
    fit = [place for place in places if not place.objection]
    return _seated(needs, [place for place in fit if not place.avoided]) or _seated(needs, fit)


def shortage(model: str, needs: Sequence[int], places: Sequence[Place]) -> str:
    """Why a gang has no seats, with figures, node by node."""
    wanted = " + ".join(gigabytes(need) for need in needs)
    each = [
        f"{place.name} {place.objection or f'has {gigabytes(place.room)} free'}"
        for place in sorted(places, key=lambda place: place.name)
    ]
    return f"{model} needs {wanted} on {len(needs)} nodes; {', '.join(each) or 'there is no node'}"


def _seated(needs: Sequence[int], places: Sequence[Place]) -> tuple[str, ...] | None:
    ranks = sorted(range(len(needs)), key=lambda rank: -needs[rank])
    roomy = sorted(places, key=lambda place: (-place.room, place.name))
    if not needs or len(roomy) < len(needs):
        return None
    found = dict(zip(ranks, roomy, strict=False))
    if any(found[rank].room < needs[rank] for rank in ranks):
        return None
    return tuple(found[rank].name for rank in range(len(needs)))
