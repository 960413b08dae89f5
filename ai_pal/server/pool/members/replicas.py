"""Replicas: several workers of one model. Which of them a request goes to, when another one comes, when one
goes. Pure: `now` is in seconds, nothing is started or ended here."""

from collections.abc import Sequence
from enum import Enum

import msgspec

MAY_LEAD = 2
"""So many requests more than the least busy one runs, the replica that knows a prefix still gets the next."""


class Bounds(msgspec.Struct, frozen=True):
    """How many replicas there are, while the model is loaded at all."""

    least: int = 1
    most: int = 1


class Pace(msgspec.Struct, frozen=True):
    """Seconds: one more comes when a request has waited `up_after`, one goes that was idle for `down_after`.
    None comes for `hold` seconds after one went or could not come."""

    up_after: float = 2.0
    down_after: float = 60.0
    hold: float = 15.0


class Standing(Enum):
    """`ABSENT` ones can be called. `AWAY` are those that nobody waits for, and that cannot be called either:
    they end, wait for memory, or start again after a crash."""

    ABSENT = "absent"
    COMING = "coming"
    UP = "up"
    AWAY = "away"


class Replica(msgspec.Struct, frozen=True):
    """One of a model's replicas: what it runs now, and since when it runs nothing."""

    number: int
    standing: Standing = Standing.ABSENT
    running: int = 0
    idle_since: float = 0.0

    @property
    def is_there(self) -> bool:
        return self.standing in (Standing.UP, Standing.COMING)


class Taker(msgspec.Struct, frozen=True):
    """A replica with a free slot; it knows the first `known` turns of the prompt."""

    number: int
    running: int
    known: int = 0


class Call(msgspec.Struct, frozen=True):
    """Start this one, if there is memory that nobody has to give up for it."""

    number: int


class End(msgspec.Struct, frozen=True):
    """End this one, which is idle."""

    number: int


def taker(takers: Sequence[Taker]) -> int:
    """Who gets a request: who knows most of its prompt, if that one is not much busier than another; else the
    least busy. There has to be one."""
    least = min(one.running for one in takers)
    near = [one for one in takers if one.running <= least + MAY_LEAD]
    known = max(one.known for one in near)
    fit = [one for one in near if one.known == known] if known else takers
    return min(fit, key=lambda one: (one.running, one.number)).number


def is_needed(number: int, others: Sequence[Replica], bounds: Bounds, *, waiting: bool) -> bool:
    """Whether this replica, which has crashed, is to come back beside the `others`."""
    there = sum(one.is_there for one in others)
    return number <= bounds.most and (waiting or 0 < there < bounds.least)


class Facts(msgspec.Struct, frozen=True):
    """What else counts: when the request came that waits longest, when a replica last became ready, until
    when none is called, and after how many idle seconds the model goes as a whole, if ever."""

    waiting_since: float | None = None
    changed_at: float = 0.0
    held_until: float = 0.0
    keep_alive: float | None = None


def scale(
    replicas: Sequence[Replica], bounds: Bounds, pace: Pace, facts: Facts, now: float
) -> Call | End | None:
    """The next change to a model's replicas, of which there is one for each number up to the most that there
    may be or are. Nothing is called where none is there: the first comes as a model's only worker does."""
    there = [one for one in replicas if one.is_there]
    absent = [one.number for one in replicas if one.standing is Standing.ABSENT and one.number <= bounds.most]
    if there and absent and now >= facts.held_until:
        grows = len(there) < bounds.most and _is_short(there, pace, facts, now)
        if len(there) < bounds.least or grows:
            return Call(min(absent))
    enough = bounds.least if facts.waiting_since is None else bounds.most
    patience = 0.0 if len(there) > bounds.most else _patience(pace, facts)
    gone = [one for one in there if _is_idle(one) and one.idle_since + patience <= now]
    if gone and len(there) > enough:
        return End(max(gone, key=lambda one: (-one.idle_since, one.number)).number)
    return None


def next_look(
    replicas: Sequence[Replica], bounds: Bounds, pace: Pace, facts: Facts, now: float
) -> float | None:
    """When `scale` may want something else only because time has passed."""
    there = [one for one in replicas if one.is_there]
    times: list[float] = []
    if there and len(there) < bounds.least:
        times.append(facts.held_until)
    if there and len(there) < bounds.most and facts.waiting_since is not None:
        times.append(max(facts.held_until, _short_at(facts.waiting_since, pace, facts)))
    if len(there) > bounds.least:
        times += [one.idle_since + _patience(pace, facts) for one in there if _is_idle(one)]
    return min((when for when in times if when > now), default=None)


def _is_idle(one: Replica) -> bool:
    return one.standing is Standing.UP and not one.running


def _is_short(there: Sequence[Replica], pace: Pace, facts: Facts, now: float) -> bool:
    """Whether somebody has waited long enough, though all that were called have come."""
    if facts.waiting_since is None or any(one.standing is Standing.COMING for one in there):
        return False
    return _short_at(facts.waiting_since, pace, facts) <= now


def _short_at(waiting_since: float, pace: Pace, facts: Facts) -> float:
    return max(waiting_since, facts.changed_at) + pace.up_after


def _patience(pace: Pace, facts: Facts) -> float:
    """Seconds that one may be idle which need not be there."""
    return pace.down_after if facts.keep_alive is None else min(pace.down_after, facts.keep_alive)
