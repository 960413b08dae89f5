"""Gangs over random nodes and histories: all or nothing, one ends and all go."""

from collections.abc import Callable
from itertools import combinations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import replace

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.memory import Admit, Evict, Resident, Use, Wait
from ai_pal.memory.devices import Device
from ai_pal.memory.gang_decision import GangWant, Station, decide_gang
from ai_pal.memory.seats import KEPT_FREE, MOST_OF_CARD, PER_CARD, per_card, seats, shortage
from ai_pal.memory.spread import Place, Residents
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.server.nodes.gang import Gang

GB = 1 << 30
CARDS = st.lists(st.integers(0, 12), max_size=4).map(
    lambda rooms: tuple(Device(f"cuda:{at}", room * GB, 16 * GB) for at, room in enumerate(rooms))
)
PLACES = st.lists(
    st.builds(
        Place,
        st.sampled_from("abcdef"),
        st.integers(0, 9),
        objection=st.sampled_from(("", "", "", "does not answer")),
        avoided=st.booleans(),
        cards=CARDS,
    ),
    max_size=5,
    unique_by=lambda place: place.name,
)


@given(st.integers(1, 40), st.integers(2, 3), st.integers(0, 9), PLACES)
def test_each_rank_has_a_node_of_its_own_and_as_many_cards_with_room_or_none_has_one(
    weights: int, count: int, need: int, places: list[Place]
) -> None:
    size = weights * GB

    def takes(place: Place, cards: int) -> bool:
        wide = [card for card in place.cards if card.free >= per_card(size, count, cards)]
        return not place.objection and place.room >= need and len(wide) >= cards

    ways = [
        (cards, way)
        for cards in (1, 2, 4)
        for way in combinations(places, count)
        if all(takes(place, cards) for place in way)
    ]
    found = seats(size, count, need, places)
    if found is None:
        assert not ways
        assert all(place.name in shortage("m", size, count, need, places) for place in places)
        return
    names = {name for name, _ in found.nodes}
    (cards,) = {len(taken) for _, taken in found.nodes}
    assert (cards, names) in [(cards, {place.name for place in way}) for cards, way in ways]
    least = min(card.free for _, taken in found.nodes for card in taken)
    assert least >= size // (count * cards) + PER_CARD
    assert found.part == min((least - KEPT_FREE) / (16 * GB), MOST_OF_CARD)
    unavoided = any(not any(place.avoided for place in way) for _, way in ways)
    avoided = {place.name for place in places if place.avoided}
    assert not (unavoided and avoided.intersection(names))
    if not unavoided or not avoided:
        assert cards == min(cards for cards, _ in ways), "fewer would do"


STATIONS = st.lists(
    st.builds(
        lambda name, objection, rooms, residents: Station(
            Place(
                name,
                2,
                Residents.of(one for one, _ in residents),
                objection,
                cards=tuple(
                    Device(
                        f"cuda:{at}",
                        (0 if any(at == on for _, on in residents) else room) * GB,
                        16 * GB,
                        "",
                        f"{at}",
                    )
                    for at, room in enumerate(rooms)
                ),
            ),
            {one.model: {f"{on}": 14 * GB} for one, on in residents if on < len(rooms)},
            3,
        ),
        st.sampled_from("abcdef"),
        st.sampled_from(("", "", "", "does not answer")),
        st.lists(st.integers(0, 14), max_size=2),
        st.lists(
            st.tuples(
                st.builds(
                    Resident,
                    st.sampled_from(("m", "n", "o", "p", "q")),
                    st.sampled_from((Use.IDLE, Use.IDLE, Use.IDLE, Use.BUSY, Use.LEAVING)),
                    st.just(0),
                    st.integers(0, 2),
                    st.integers(0, 9),
                    st.booleans(),
                ),
                st.integers(0, 3),
            ),
            max_size=3,
            unique_by=lambda one: one[0].model,
        ),
    ),
    max_size=4,
    unique_by=lambda station: station.place.name,
)
"""Each with at most three models, some of which have something of one of its cards."""


@given(st.integers(1, 40), st.integers(2, 3), STATIONS)
def test_idle_models_go_where_that_gives_all_of_it_its_seats_and_none_of_them_in_vain(
    weights: int, count: int, stations: list[Station]
) -> None:
    uses = {one.model: one for station in stations for one in station.place.there.every}
    same = [
        replace(
            one,
            place=replace(one.place, there=Residents.of(uses[each.model] for each in one.place.there.every)),
        )
        for one in stations
    ]
    want = GangWant("m", weights * GB, count, 2)
    found, decision = decide_gang(want, same)
    leaving = {one.model for one in uses.values() if one.use is Use.LEAVING}
    idle = [one.model for one in uses.values() if one.evictable]
    ways = [
        gone
        for number in range(len(idle) + 1)
        for gone in combinations(idle, number)
        if want.seats(same, leaving.union(gone))
    ]
    match decision:
        case Admit():
            assert found == want.seats(same)
        case Wait(promised=True):
            assert found == want.seats(same, leaving)
        case Evict(models):
            assert found == want.seats(same, leaving.union(models))
            assert set(models) <= set(idle)
            assert not want.seats(same, leaving)
            for one in models:
                assert not want.seats(same, leaving.union(models) - {one})
        case _:
            assert found is None
            assert not ways


class Rank:
    """A process that ends a while after it was told to."""

    def __init__(self, number: int, on_exit: Callable[[ExitStatus], None]) -> None:
        self.pid, self._on_exit = number, on_exit
        self.ended = self.killed = False

    def terminate(self) -> None: ...

    def kill(self) -> None:
        self.killed = True

    def end(self, status: ExitStatus) -> None:
        if not self.ended:
            self.ended = True
            self._on_exit(status)

    def usage(self) -> ProcessUsage | None:
        return None if self.ended else ProcessUsage(1.0, 10, 0)

    def owns(self, pid: int) -> bool:
        return pid == self.pid

    def stderr_tail(self) -> str:
        return f"last words of {self.pid}"


class Nodes:
    """Starts ranks, but not the one with the number `lacks`."""

    def __init__(self, lacks: int = -1) -> None:
        self.ranks: list[Rank] = []
        self._lacks = lacks

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Rank:
        if len(self.ranks) == self._lacks:
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had"))
        self.ranks.append(rank := Rank(len(self.ranks), on_exit))
        return rank


def specs(count: int) -> list[LaunchSpec]:
    return [LaunchSpec(f"m.{rank}", "workers", node=f"node{rank}") for rank in range(count)]


@given(
    st.permutations(range(4)), st.sampled_from((ExitStatus(signal=9), ExitStatus(lost=True, reason="cut")))
)
def test_one_ends_and_all_go_and_the_last_end_is_told_once(order: list[int], status: ExitStatus) -> None:
    nodes, told = Nodes(), list[ExitStatus]()
    gang = Gang.launch(nodes, specs(4), told.append)
    usage = gang.usage()
    assert usage is not None
    assert usage.memory == 40
    for number in order:
        assert told == []
        nodes.ranks[number].end(status if number == order[0] else ExitStatus(code=0))
        assert all(rank.killed or rank.ended for rank in nodes.ranks)
    (first,) = told
    assert (first.signal, first.lost) == (status.signal, status.lost)
    assert first.node == f"node{order[0]}"
    assert not status.reason or first.reason == f"rank {order[0]} on node node{order[0]}: cut"
    assert gang.stderr_tail() == f"last words of {order[0]}"
    assert gang.usage() is None


@given(st.integers(0, 3))
def test_where_one_cannot_start_none_stays_and_nothing_is_told(lacks: int) -> None:
    nodes, told = Nodes(lacks), list[ExitStatus]()
    with pytest.raises(AiPalError):
        Gang.launch(nodes, specs(4), told.append)
    assert len(nodes.ranks) == lacks
    assert all(rank.killed for rank in nodes.ranks)
    for rank in nodes.ranks:
        rank.end(ExitStatus(signal=9))
    assert told == []


def test_the_head_speaks_for_all() -> None:
    nodes = Nodes()
    gang = Gang.launch(nodes, specs(2), lambda status: None)
    assert (gang.pid, gang.owns(0), gang.owns(1)) == (0, True, False)
    gang.terminate()
    gang.kill()
    assert all(rank.killed for rank in nodes.ranks)
