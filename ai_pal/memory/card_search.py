"""The node whose cards are the best for a load, of thousands: each is looked at closely only while it may be
better than what was found, by sums that are kept of its cards. Pure."""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import NamedTuple

from ai_pal.memory.decision import Admit, Decision, Evict, Wait, Want
from ai_pal.memory.placement import Blocks
from ai_pal.memory.spread import Place, ruled

NOW, LEAVING, GOING, NEVER = range(4)


class CardRoom(NamedTuple):
    """Bytes of a node's cards: those that nobody has or was promised (less than none where all are too full
    even for a process), those that models give back which are `leaving`, and the most that one idle model,
    two, ... would give back."""

    free: int
    leaving: int = 0
    idle: tuple[int, ...] = ()


class Worth(NamedTuple):
    """The smaller, the better: first with the most blocks on cards (told as a number below none), then at
    once, or when some have left, or have to go, and then how many."""

    blocks: int
    later: int
    avoided: bool
    going: int
    beside: int
    lacks: bool
    room: int
    name: str


class Layers(NamedTuple):
    """What may lie on cards at most: the last `most` blocks of a model, `sums` of their bytes from the last
    one on. A `whole` model is there with all of them or with none."""

    most: int
    sums: tuple[int, ...]
    whole: bool

    @classmethod
    def of(cls, blocks: Blocks, most: int) -> "Layers":
        every = [loaded + growth for loaded, growth in zip(blocks.loaded, blocks.growth, strict=True)]
        return cls(most, tuple(accumulate(reversed(every[len(every) - most :]))), blocks.whole)

    @property
    def size(self) -> int:
        return self.sums[-1]

    def at_best(self, place: Place, cards: CardRoom, *, nobody_goes: bool) -> Worth:
        """No node can be worth more that has so much room on its cards."""
        room = cards.free + cards.leaving
        if cards.free >= self.size:
            return worth(place, self.most)
        if room >= self.size:
            return worth(place, self.most, LEAVING)
        going = 1 + sum(room + back < self.size for back in cards.idle)
        if going <= len(cards.idle) and not nobody_goes:
            return worth(place, self.most, GOING, going)
        return worth(place, 0 if self.whole else bisect_right(self.sums, room))


def worth(place: Place, blocks: int, later: int = NOW, going: int = 0) -> Worth:
    """That of a node with so many blocks on its cards."""
    on_cards = 0 if place.avoided else -blocks
    return Worth(on_cards, later, place.avoided, going, place.beside, place.lacks, -place.room, place.name)


def best_on_cards(
    want: Want,
    layers: Layers,
    nodes: Iterable[tuple[Place, CardRoom]],
    seat: Callable[[str], Place],
    max_loaded: int,
    *,
    nobody_goes: bool,
) -> tuple[str, Decision] | None:
    """The node where it may load now, or when others have gone that go already or are idle; None for none.
    `seat` looks at one closely."""
    line = [
        (layers.at_best(place, cards, nobody_goes=nobody_goes), place.name)
        for place, cards in nodes
        if not place.objection
    ]
    heapq.heapify(line)
    best: tuple[Worth, str, Decision] | None = None
    while line and (best is None or line[0][0] < best[0]):
        place = seat(heapq.heappop(line)[1])
        decision = ruled(want, place, max_loaded)
        later, going = _until(decision)
        mine = worth(place, place.blocks, later, going)
        if later < NEVER and not place.objection and (best is None or mine < best[0]):
            best = mine, place.name, decision
    return best[1:] if best is not None else None


def _until(decision: Decision) -> tuple[int, int]:
    match decision:
        case Admit():
            return NOW, 0
        case Wait(promised=True):
            return LEAVING, 0
        case Evict():
            return GOING, len(decision.models)
        case _:
            return NEVER, 0
