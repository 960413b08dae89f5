"""Which of several nodes a load gets: a pure decision over what each has free and promised."""

import heapq
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from ai_pal.counted import counted
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

MOST_TOLD = 20
"""Nodes of which a refusal has the figures."""


class Residents(msgspec.Struct, frozen=True):
    """Who has memory on a node. In bytes: what they have `taken` and were `promised` together, what those
    give back that are `leaving`, what the end of `idle` ones would give back, and that of all that are not
    pinned (`movable`)."""

    every: tuple[Resident, ...] = ()
    taken: int = 0
    promised: int = 0
    leaving: int = 0
    idle: int = 0
    movable: int = 0
    has_leaving: bool = False

    @classmethod
    def of(cls, residents: Iterable[Resident]) -> "Residents":
        every = tuple(residents)
        taken = promised = leaving = idle = movable = 0
        has_leaving = False
        for one in every:
            more = one.promised
            size = one.taken + more
            taken, promised = taken + one.taken, promised + more
            if one.use is Use.LEAVING:
                leaving, has_leaving = leaving + size, True
            elif one.evictable:
                idle += size
            if one.use is Use.LEAVING or not one.pinned:
                movable += size
        return cls(every, taken, promised, leaving, idle, movable, has_leaving)


NOBODY = Residents()


class Place(msgspec.Struct, frozen=True):
    """A node as loads see it: bytes that nobody has taken, and who has memory there. With an `objection`
    nothing comes there, and why, `cause` is its code, None for too little memory; `awaited`: that may be over
    soon. One that is `avoided` is chosen only where no other will do. One that `lacks` files of the model
    comes behind those that have them. `beside`: so many replicas of the same model are there.

    So many `blocks` of the model come to lie on its `cards`, told with what nobody has of each; then it has a
    `need` of its own, None for that of the load. For that something else may have to happen `first`."""

    name: str
    free: int
    there: Residents = NOBODY
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
        return self.free - self.there.promised

    @property
    def speed(self) -> int:
        """Of two that will do the one with more of the model on cards is faster."""
        return 0 if self.avoided else self.blocks


def spread(want: Want, places: Sequence[Place], max_loaded: int = 0) -> tuple[str, Decision]:
    """Where `want` is to be loaded, "" for nowhere, and whether it may be now. First come the nodes where the
    most of it lies on cards. Of these, and of those with the fewest replicas of the same model, the one with
    the most room has it, and first of those that have its files; where none has any, the one where models
    are going already, then the one where the fewest have to go. `max_loaded` bounds the models of each
    node.

    Of thousands of nodes only those are decided on that may have the room, by the sums of who is there."""
    candidates = [place for place in places if not place.objection]
    for speed in sorted({place.speed for place in candidates}, reverse=True):
        decisions = _Decisions(want, [one for one in candidates if one.speed == speed], max_loaded)
        if found := _among(decisions):
            return found
    hopeful = _Decisions(want, candidates, max_loaded).where(lambda place: place.room + place.there.movable)
    if any(isinstance(decision, Wait) for _, decision in hopeful):
        return "", Wait(False, _figures(want, places))
    if any(place.awaited for place in places):
        return "", wait_for_nodes(places, _figures(want, places))
    causes = {place.cause for place in places if place.cause is not None}
    if places and all(place.cause is not None for place in places):
        code = causes.pop() if len(causes) == 1 else Code.NO_NODE
        return "", Refuse(f"no node takes {want.model}: {_by_node(want, places)}", soon=False, code=code)
    busy = any(one.use not in (Use.IDLE, Use.LEAVING) for place in places for one in place.there.every)
    return "", Refuse(f"insufficient memory: {_figures(want, places)}", soon=busy)


def first_that_will_do(
    want: Want, line: Iterable[Place], max_loaded: int = 0, speed: int = 0, *, leaving: bool = False
) -> tuple[str, Decision] | None:
    """What `spread` says, where that is clear from the first of a `line` of all nodes, those with the most
    room in front; None where it is not. Nowhere more than `speed` blocks of it come to lie on cards;
    `leaving`: models that are ending may leave enough on some node."""
    others = leaving or speed > 0  # who may do as well
    for place in line:
        if place.objection:
            continue
        need = want.need if place.need is None else place.need
        worse = place.avoided or place.lacks or place.beside or place.first or place.speed < speed
        if need <= place.room:
            if not worse and isinstance(ruled(want, place, max_loaded), Admit):
                return place.name, Admit()
            others = True
        elif others:
            return None
        elif not worse and need <= most_of(place):
            decision = ruled(want, place, max_loaded)
            if isinstance(decision, Evict) and len(decision.models) == 1:
                return place.name, decision
    return None


def ruled(want: Want, place: Place, max_loaded: int) -> Decision:
    """Whether it may be loaded there now."""
    need = want.need if place.need is None else place.need
    asked = msgspec.structs.replace(want, need=need)
    return place.first or decide(asked, place.free, place.there.every, max_loaded)


class _Decisions(NamedTuple):
    """What `decide` says of each of these nodes, where it is asked."""

    want: Want
    places: Sequence[Place]
    max_loaded: int

    def where(self, may_have: Callable[[Place], int]) -> Iterator[tuple[Place, Decision]]:
        """In turn, of the nodes that could have the bytes."""
        for place in _in_turn(one for one in self.places if one.first or self._need(one) <= may_have(one)):
            yield place, ruled(self.want, place, self.max_loaded)

    def _need(self, place: Place) -> int:
        return self.want.need if place.need is None else place.need


def _among(decisions: _Decisions) -> tuple[str, Decision] | None:
    """The one of these nodes that has it, now or when others have gone; None for none."""
    for place, decision in decisions.where(lambda place: place.room):
        if isinstance(decision, Admit):
            return place.name, decision
    for place, decision in decisions.where(when_some_have_left):
        if isinstance(decision, Wait) and decision.promised:
            return place.name, decision
    return _fewest_go(decisions.where(most_of))


def _in_turn(places: Iterable[Place]) -> Iterator[Place]:
    """The best first; the rest is put into order only as far as somebody asks."""
    line = [
        (one.avoided, one.beside, one.lacks, -one.room, one.name, number, one)
        for number, one in enumerate(places)
    ]
    heapq.heapify(line)
    while line:
        yield heapq.heappop(line)[-1]


def when_some_have_left(place: Place) -> int:
    """Bytes that a load may have there, when those have ended that do; less than none where none does."""
    return place.room + place.there.leaving if place.there.has_leaving else -1


def most_of(place: Place) -> int:
    """Bytes that a load may come to have there, when those have gone that would for it."""
    return place.room + place.there.leaving + place.there.idle


def _fewest_go(decisions: Iterable[tuple[Place, Decision]]) -> tuple[str, Evict] | None:
    """Where the fewest have to go, of those in turn."""
    best, found = (True, sys.maxsize, True), None
    for place, decision in decisions:
        if best <= (place.avoided, 1, False):
            break  # fewer go nowhere
        if isinstance(decision, Evict) and (how := (place.avoided, len(decision.models), place.lacks)) < best:
            best, found = how, (place.name, decision)
    return found


def wait_for_nodes(places: Sequence[Place], figures: str) -> Wait:
    """For those that may answer soon."""
    names = [place.name for place in places if place.awaited]
    who = f"node {names[0]} does" if len(names) == 1 else f"{counted(len(names), 'node')} do"
    return Wait(False, figures, f"{who} not answer yet", Code.NO_NODE)


def _figures(want: Want, places: Sequence[Place]) -> str:
    """What is needed, and why no node will do, node by node."""
    if not places:
        return f"{want.model} needs {gigabytes(want.need)}, and there is no node"
    return f"{want.model} needs {gigabytes(want.need)}; {_by_node(want, places)}"


def _by_node(want: Want, places: Sequence[Place]) -> str:
    """Of many nodes those with the most room."""
    told = sorted(heapq.nlargest(MOST_TOLD, places, lambda one: one.room), key=lambda one: one.name)
    figures, left_out = [_one(want, place) for place in told], len(places) - len(told)
    return ", ".join([*figures, *([f"and {counted(left_out, 'node')} more"] if left_out else [])])


def _one(want: Want, place: Place) -> str:
    """Why this node will not do, with its figures, and those of its cards."""
    if place.objection:
        return f"{place.name} {place.objection}"
    free = f"{place.name} has {gigabytes(place.room)} free"
    cards = " and ".join(f"{gigabytes(card.free)} on {card.name}" for card in place.cards)
    needs = f", where it needs {gigabytes(place.need or 0)} beside its cards" if place.blocks else ""
    return free + (f" and {cards}" if cards else "") + needs
