"""Whether a gang may be loaded now, and where: for several nodes at once what `decide` is for one. What has
to go for it goes on all of them, or nothing goes. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ai_pal.memory.decision import Admit, Decision, Evict, Refuse, Resident, Use, Wait, fewest, why_not
from ai_pal.memory.seats import COUNTS, Seats, per_card, seats, shortage
from ai_pal.memory.spread import Place, wait_for_nodes


class Station(msgspec.Struct, frozen=True):
    """A node as gangs see it: a `place` with all cards that there are, and the bytes of each (by `uuid`) that
    the end of a model there gives back: a card that anybody has anything of is no gang's. At most
    `max_loaded` models may be there, 0 is no bound."""

    place: Place
    held: Mapping[str, Mapping[str, int]] = {}
    max_loaded: int = 0

    def without(self, gone: Collection[str] = ()) -> Place:
        """The place with the cards of which nobody has anything, when these models have ended."""
        place, every = self.place, self.place.there.every
        if place.objection:
            return place
        if self.max_loaded and sum(one.places for one in every if one.model not in gone) >= self.max_loaded:
            why = f"has as many models as may be loaded: {self.max_loaded}"
            return msgspec.structs.replace(place, objection=why)
        back, taken = Counter[str](), set[str]()
        for model, cards in self.held.items():
            (back if model in gone else taken).update(cards)
        freed = sum(one.size for one in every if one.model in gone) if gone else 0
        left = tuple(
            card._replace(free=min(card.total, card.free + back[card.uuid]))
            for card in place.cards
            if card.uuid not in taken
        )
        return msgspec.structs.replace(place, free=place.free + freed, cards=left)


class GangWant(msgspec.Struct, frozen=True):
    """What is wanted: weights of `size` bytes on `count` nodes, with `need` bytes of memory on each. `held`
    are the nodes where others go for it already; `in_line`: it was told to wait before, so it may wait for
    busy models too."""

    model: str
    size: int
    count: int
    need: int
    held: Collection[str] = ()
    in_line: bool = False

    def seats(self, stations: Iterable[Station], gone: Collection[str] = ()) -> Seats | None:
        """Those that it has when these models have ended."""
        return seats(self.size, self.count, self.need, [one.without(gone) for one in stations])

    def shortage(self, stations: Iterable[Station]) -> str:
        """Why it has none now."""
        return shortage(self.model, self.size, self.count, self.need, [one.without() for one in stations])


def decide_gang(gang: GangWant, stations: Sequence[Station]) -> tuple[Seats | None, Decision]:
    """Where it is, or is promised to be once others have gone; None for nowhere. While it is promised nodes
    (`held`) it goes to these, unless they will not do any more."""
    held = [one for one in stations if one.place.name in gang.held]
    found = (_now_or_promised(gang, held) if held else None) or _now_or_promised(gang, stations)
    if found is not None:
        return found
    leaving = _names(stations, lambda one: one.use is Use.LEAVING)
    victims = _victims(gang, stations, leaving)
    names = tuple(one.model for one in victims)
    if names and (then := gang.seats(stations, leaving.union(names))):
        return then, Evict(names, gang.shortage(stations))
    return None, _hopeless(gang, stations, leaving)


def _now_or_promised(gang: GangWant, stations: Sequence[Station]) -> tuple[Seats, Decision] | None:
    """Where nobody has to go who is not going already."""
    if found := gang.seats(stations):
        return found, Admit()
    leaving = _names(stations, lambda one: one.use is Use.LEAVING)
    if leaving and (found := gang.seats(stations, leaving)):
        return found, Wait(True, f"{gang.shortage(stations)}; other models are giving back what it lacks")
    return None


def _hopeless(gang: GangWant, stations: Sequence[Station], leaving: Collection[str]) -> Decision:
    """Where the end of all that is idle would not be enough."""
    hope = {Use.LOADING, Use.COMING, Use.IDLE} | ({Use.BUSY} if gang.in_line else set())
    may_go = _names(stations, lambda one: one.use in hope and not one.pinned)
    residents = {one.model: one for station in stations for one in station.place.there.every}.values()
    reason = gang.shortage(stations) + why_not(residents)
    if gang.seats(stations, {*leaving, *may_go}):
        return Wait(False, reason)
    if any(one.place.awaited for one in stations):
        return wait_for_nodes([one.place for one in stations], reason)
    soon = any(one.use not in (Use.IDLE, Use.LEAVING) for one in residents)
    return Refuse(f"no room for all of it: {reason}", soon)


class _Way(NamedTuple):
    """A node that will do when these have gone."""

    station: Station
    victims: Sequence[Resident]


def _victims(gang: GangWant, stations: Sequence[Station], leaving: frozenset[str]) -> list[Resident]:
    """Idle models whose end gives it seats, none of them in vain; [] where there are no such. First come
    nodes that are not avoided, then as few cards as will do, then the fewest that have to go."""
    unavoided = [one for one in stations if not one.place.avoided]
    for among in (unavoided, stations) if len(unavoided) < len(stations) else (stations,):
        for cards in COUNTS:
            ways = list(_ways(gang, among, leaving, cards))
            if len(ways) >= gang.count:
                return _spared(gang, *_fewest_go(gang.count, ways), leaving)
    return []


def _spared(
    gang: GangWant, chosen: Sequence[Station], going: Sequence[Resident], leaving: frozenset[str]
) -> list[Resident]:
    """Those that have to go on these nodes, least recently used first."""

    def enough(gone: Sequence[Resident]) -> bool:
        return gang.seats(chosen, leaving.union(one.model for one in gone)) is not None

    return fewest(sorted(going, key=lambda one: one.last_used), enough)


def _ways(gang: GangWant, stations: Iterable[Station], leaving: frozenset[str], cards: int) -> Iterator[_Way]:
    """The nodes that can have a process with so many cards, and on each the idle models that go for it."""
    least = per_card(gang.size, gang.count, cards)
    for station in stations:

        def enough(gone: Sequence[Resident], station: Station = station) -> bool:
            place = station.without(leaving.union(one.model for one in gone))
            wide = sum(card.free >= least for card in place.cards)
            return not place.objection and place.room >= gang.need and wide >= cards

        idle = [one for one in station.place.there.every if one.evictable]
        if len(station.place.cards) < cards or not enough(idle):
            continue
        line = sorted(idle, key=lambda one: one.last_used)
        yield _Way(station, [] if enough([]) else fewest(line, enough))


def _fewest_go(count: int, ways: Sequence[_Way]) -> tuple[list[Station], list[Resident]]:
    """So many of these nodes, and who goes on them: one that is over several nodes goes for all of these."""
    over = Counter(frozenset(one.model for one in way.victims) for way in ways)
    chosen, going = list[Station](), dict[str, Resident]()

    def price(way: _Way) -> tuple[int, bool, int, float, str]:
        more = [one for one in way.victims if one.model not in going]
        everywhere = over[frozenset(one.model for one in way.victims)]
        used = max((one.last_used for one in more), default=0.0)
        return len(more), way.station.place.lacks, -everywhere, used, way.station.place.name

    left = list(ways)
    for _ in range(count):
        way = min(left, key=price)
        left.remove(way)
        chosen.append(way.station)
        going |= {one.model: one for one in way.victims}
    return chosen, list(going.values())


def _names(stations: Iterable[Station], meant: Callable[[Resident], bool]) -> frozenset[str]:
    return frozenset(one.model for station in stations for one in station.place.there.every if meant(one))
