"""Which of several nodes a load gets: a pure decision over what each has free and promised."""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import Code
from ai_pal.memory.decision import (
    Admit,
    Decision,
    Evict,
    Refuse,
    Resident,
    Use,
    Wait,
    Want,
    decide,
    gigabytes,
)


class Place(msgspec.Struct, frozen=True):
    """A node as loads see it: bytes that nobody has taken, and who has memory there. With an `objection`
    nothing comes there, and why, `cause` is its code, None for too little memory; `awaited`: that may be over
    soon. One that is `avoided` is chosen only where no other will do. One that `lacks` files of the model
    comes behind those that have them. `beside`: so many replicas of the same model are there."""

    name: str
    free: int
    residents: tuple[Resident, ...] = ()
    objection: str = ""
    cause: Code | None = None
    awaited: bool = False
    avoided: bool = False
    lacks: bool = False
    beside: int = 0

    @property
    def room(self) -> int:
        """Bytes that nobody has taken or was promised."""
        return self.free - sum(one.promised for one in self.residents)


def spread(want: Want, places: Sequence[Place], max_loaded: int = 0) -> tuple[str, Decision]:
    """Where `want` is to be loaded, "" for nowhere, and whether it may be now. Of the nodes with the fewest
    replicas of the same model the one with the most room has it, and first of those that have its files;
    where none has any, the one where models are going already, then the one where the fewest have to go.
    `max_loaded` bounds the models of each node."""
    ruled = [
        (place, decide(want, place.free, place.residents, max_loaded))
        for place in places
        if not place.objection
    ]
    ruled.sort(key=lambda one: (one[0].avoided, one[0].beside, one[0].lacks, -one[0].room, one[0].name))
    for place, decision in ruled:
        if isinstance(decision, Admit):
            return place.name, decision
    for place, decision in ruled:
        if isinstance(decision, Wait) and decision.promised:
            return place.name, decision
    evicting = [(place, decision) for place, decision in ruled if isinstance(decision, Evict)]
    if evicting:
        place, evict = min(evicting, key=lambda one: (one[0].avoided, len(one[1].models), one[0].lacks))
        return place.name, evict
    if any(isinstance(decision, Wait) for _, decision in ruled) or any(place.awaited for place in places):
        return "", Wait(False, _figures(want, places))
    causes = {place.cause for place in places if place.cause is not None}
    if places and all(place.cause is not None for place in places):
        code = causes.pop() if len(causes) == 1 else Code.NO_NODE
        return "", Refuse(f"no node takes {want.model}: {_by_node(places)}", soon=False, code=code)
    busy = any(one.use not in (Use.IDLE, Use.LEAVING) for place in places for one in place.residents)
    return "", Refuse(f"insufficient memory: {_figures(want, places)}", soon=busy)


def _figures(want: Want, places: Sequence[Place]) -> str:
    """What is needed, and why no node will do, node by node."""
    if not places:
        return f"{want.model} needs {gigabytes(want.need)}, and there is no node"
    return f"{want.model} needs {gigabytes(want.need)}; {_by_node(places)}"


def _by_node(places: Sequence[Place]) -> str:
    return ", ".join(
        f"{place.name} {place.objection or f'has {gigabytes(place.room)} free'}"
        for place in sorted(places, key=lambda place: place.name)
    )
