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
from ai_pal.memory.devices import Device


class Place(msgspec.Struct, frozen=True):
    """A node as loads see it: bytes that nobody has taken, and who has memory there. With an `objection`
    nothing comes there, and why, `cause` is its code, None for too little memory; `awaited`: that may be over
    soon. One that is `avoided` is chosen only where no other will do. One that `lacks` files of the model
    comes behind those that have them. `beside`: so many replicas of the same model are there.

    So many `blocks` of the model come to lie on its `cards`, told with what nobody has of each; then it has a
    `need` of its own, None for that of the load. For that something else may have to happen `first`."""

    name: str
    free: int
    residents: tuple[Resident, ...] = ()
    objection: str = ""
    cause: Code | None = None
    awaited: bool = False
    avoided: bool = False
    lacks: bool = False
    beside: int = 0
    cards: tuple[Device, ...] = ()
    blocks: int = 0
    need: int | None = None
    first: Wait | Evict | None = None

    @property
    def room(self) -> int:
        """Bytes that nobody has taken or was promised."""
        return self.free - sum(one.promised for one in self.residents)

    @property
    def speed(self) -> int:
        """Of two that will do the one with more of the model on cards is faster."""
        return 0 if self.avoided else self.blocks


_Ruled = tuple[Place, Decision]


def spread(want: Want, places: Sequence[Place], max_loaded: int = 0) -> tuple[str, Decision]:
    """Where `want` is to be loaded, "" for nowhere, and whether it may be now. First come the nodes where the
    most of it lies on cards. Of these, and of those with the fewest replicas of the same model, the one with
    the most room has it, and first of those that have its files; where none has any, the one where models
    are going already, then the one where the fewest have to go. `max_loaded` bounds the models of each
    node."""
    ruled = [
        (place, place.first or decide(_there(want, place), place.free, place.residents, max_loaded))
        for place in places
        if not place.objection
    ]
    for speed in sorted({place.speed for place, _ in ruled}, reverse=True):
        if found := _among([one for one in ruled if one[0].speed == speed]):
            return found
    if any(isinstance(decision, Wait) for _, decision in ruled) or any(place.awaited for place in places):
        return "", Wait(False, _figures(want, places))
    causes = {place.cause for place in places if place.cause is not None}
    if places and all(place.cause is not None for place in places):
        code = causes.pop() if len(causes) == 1 else Code.NO_NODE
        return "", Refuse(f"no node takes {want.model}: {_by_node(want, places)}", soon=False, code=code)
    busy = any(one.use not in (Use.IDLE, Use.LEAVING) for place in places for one in place.residents)
    return "", Refuse(f"insufficient memory: {_figures(want, places)}", soon=busy)


def _among(ruled: list[_Ruled]) -> tuple[str, Decision] | None:
    """The one of these nodes that has it, now or when others have gone; None for none."""
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
    return None


def _there(want: Want, place: Place) -> Want:
    return want if place.need is None else msgspec.structs.replace(want, need=place.need)


def _figures(want: Want, places: Sequence[Place]) -> str:
    """What is needed, and why no node will do, node by node."""
    if not places:
        return f"{want.model} needs {gigabytes(want.need)}, and there is no node"
    return f"{want.model} needs {gigabytes(want.need)}; {_by_node(want, places)}"


def _by_node(want: Want, places: Sequence[Place]) -> str:
    return ", ".join(_one(want, place) for place in sorted(places, key=lambda place: place.name))


def _one(want: Want, place: Place) -> str:
    """Why this node will not do, with its figures, and those of its cards."""
    if place.objection:
        return f"{place.name} {place.objection}"
    free = f"{place.name} has {gigabytes(place.room)} free"
    cards = " and ".join(f"{gigabytes(card.free)} on {card.name}" for card in place.cards)
    needs = f", where it needs {gigabytes(place.need or 0)} beside its cards" if place.blocks else ""
    return free + (f" and {cards}" if cards else "") + needs
