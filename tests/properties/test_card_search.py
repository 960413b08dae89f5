"""The best node for cards is found as if all were looked at, though few are."""

import hypothesis.strategies as st
from hypothesis import given
from msgspec.structs import replace

from ai_pal.memory import Evict, Resident, Use, Wait, Want
from ai_pal.memory.card_search import CardRoom, Layers, best_on_cards, worth
from ai_pal.memory.placement import Blocks
from ai_pal.memory.spread import Place, Residents

WANT = Want("m", 1)
LAYERS = Layers.of(Blocks((2, 2, 2, 2), (1, 1, 1, 0)), 4)


class Node:
    """One whose cards have this room; where `apart`, what is free there is no use for any model."""

    def __init__(self, name: str, free: int, leaving: int, idle: list[int], flags: tuple[bool, ...]) -> None:
        apart, avoided, lacks, self.objected, no_memory = flags
        self.room = CardRoom(free, leaving, tuple(sum(idle[: at + 1]) for at in range(len(idle))))
        busy = Residents.of([Resident("x", Use.BUSY, 0, 9)]) if no_memory else Residents()
        self.place = Place(name, 5, busy, avoided=avoided, lacks=lacks)
        self.free, self.leaving, self.idle = 0 if apart else free, leaving, idle

    def closely(self) -> Place:
        blocks = sum(one <= self.free for one in LAYERS.sums)
        going = sum(self.free + self.leaving + back < LAYERS.size for back in self.room.idle) + 1
        if self.objected:
            return replace(self.place, objection="has too little")
        if blocks == 4:
            return replace(self.place, blocks=4)
        if self.free + self.leaving >= LAYERS.size:
            return replace(self.place, blocks=4, first=Wait(True, "others leave"))
        if going <= len(self.idle):
            return replace(self.place, blocks=4, first=Evict(tuple("abc"[:going])))
        return replace(self.place, blocks=blocks)


BYTES = st.integers(0, 14)
NODES = st.lists(
    st.builds(
        Node,
        st.sampled_from("abcdefgh"),
        BYTES,
        st.integers(0, 6),
        st.lists(st.integers(1, 6), max_size=3).map(lambda some: sorted(some, reverse=True)),
        st.tuples(*[st.integers(0, 4).map(lambda one: one == 4)] * 5),
    ),
    max_size=6,
    unique_by=lambda node: node.place.name,
)


@given(NODES)
def test_it_is_the_best_of_all(nodes: list[Node]) -> None:
    known = {node.place.name: node for node in nodes}
    looked: list[str] = []

    def seat(name: str) -> Place:
        looked.append(name)
        return known[name].closely()

    rooms = [(node.place, node.room) for node in nodes]
    found = best_on_cards(WANT, LAYERS, rooms, seat, 0, nobody_goes=False)
    values = {}
    for node in nodes:
        place = node.closely()
        if place.objection or (place.first is None and place.room < WANT.need):
            continue
        going = len(place.first.models) if isinstance(place.first, Evict) else 0
        later = (isinstance(place.first, Wait) * 1) or (isinstance(place.first, Evict) * 2)
        values[place.name] = worth(place, place.blocks, later, going)
    assert (found and found[0]) == min(values, key=lambda name: values[name], default=None)
    assert len(looked) == len(set(looked))


def test_of_thousands_that_are_alike_one_is_looked_at() -> None:
    looked: list[str] = []

    def seat(name: str) -> Place:
        looked.append(name)
        return Place(name, 5, blocks=4, first=Evict(("x", "y")))

    rooms = [(Place(f"node{number:04}", 5), CardRoom(1, 0, (6, 12))) for number in range(1000)]
    found = best_on_cards(WANT, LAYERS, rooms, seat, 0, nobody_goes=False)
    assert found is not None
    assert looked == ["node0000"]
    assert best_on_cards(WANT, LAYERS, rooms, lambda name: Place(name, 5), 0, nobody_goes=True) is not None
