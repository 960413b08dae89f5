"""Who may have memory: a pure decision over what is needed, what is free and what is promised.

A promise is what a process may still take: its estimate less what it has taken. It holds from the
decision to load until the process ends, so that no byte is given away twice. Pages of mapped files
never count as taken: the system counts them as available, while the model goes on needing them.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

import msgspec

from ai_pal.errors import Code

T = TypeVar("T")


class Use(StrEnum):
    """What a model does with its memory. `coming`: waits for memory that is being freed for it."""

    IDLE = "idle"
    BUSY = "busy"
    LOADING = "loading"
    COMING = "coming"
    LEAVING = "leaving"


class Resident(msgspec.Struct, frozen=True):
    """A model that has memory or a promise of it. Bytes; `taken` is out of the free memory already,
    `reserved` is what it may come to, `last_used` orders the idle ones. `places` is how many of the models it
    is that may be loaded."""

    model: str
    use: Use
    taken: int = 0
    reserved: int = 0
    last_used: float = 0.0
    pinned: bool = False
    places: int = 1

    @property
    def promised(self) -> int:
        """What it may still take."""
        return max(0, self.reserved - self.taken)

    @property
    def size(self) -> int:
        """What its end gives back, in memory and promises."""
        return self.taken + self.promised

    @property
    def evictable(self) -> bool:
        return self.use is Use.IDLE and not self.pinned


class Claims(msgspec.Struct, frozen=True):
    """Bytes that models have taken, and what they may still take."""

    taken: int = 0
    promised: int = 0


def claims(residents: Iterable[Resident]) -> Claims:
    """What these have together."""
    every = list(residents)
    return Claims(sum(one.taken for one in every), sum(one.promised for one in every))


def room(free: int, low: int, budget: int, others: Claims) -> int:
    """Bytes that a load may have: of `free` ones `low` stay free, all models together take at most
    `budget` (0 is no bound), and what `others` were promised is theirs."""
    left = free - low
    if budget:
        left = min(left, budget - others.taken)
    return left - others.promised


class Want(msgspec.Struct, frozen=True):
    """A model that wants to be loaded: bytes that it needs. `in_line`: it was told to wait before, so
    it may wait for a busy model too."""

    model: str
    need: int
    in_line: bool = False
    places: int = 1


class Admit(msgspec.Struct, frozen=True):
    """There is room."""


class Evict(msgspec.Struct, frozen=True):
    """Room comes when these idle models are gone; it is promised to the one that wants it. `reason` has
    the figures."""

    models: tuple[str, ...]
    reason: str = ""


class Wait(msgspec.Struct, frozen=True):
    """Room may come: `promised` when processes that are ending leave enough, else only hoped for. `what` is
    lacking until then, with its `code`."""

    promised: bool
    reason: str
    what: str = "insufficient memory"
    code: Code = Code.INSUFFICIENT_MEMORY


class Refuse(msgspec.Struct, frozen=True):
    """There is no room; `reason` has the figures. `soon`: other models may leave some. `code` is another one
    where something else is lacking."""

    reason: str
    soon: bool
    code: Code = Code.INSUFFICIENT_MEMORY


Decision = Admit | Evict | Wait | Refuse


class _Gap(msgspec.Struct, frozen=True):
    """What is missing: bytes, and places among the loaded models."""

    need: int
    places: int

    @property
    def closed(self) -> bool:
        return self.need <= 0 and self.places <= 0

    def less(self, leaving: Iterable[Resident]) -> "_Gap":
        gone = list(leaving)
        places = self.places - sum(one.places for one in gone)
        return _Gap(self.need - sum(one.size for one in gone), places)


def decide(want: Want, free: int, residents: Sequence[Resident], max_loaded: int = 0) -> Decision:
    """Whether `want` may be loaded now, with `free` bytes that nobody has taken yet.

    `max_loaded` bounds the number of loaded models, 0 is no bound."""
    others = [one for one in residents if one.model != want.model]
    room = free - sum(one.promised for one in others)
    places = sum(one.places for one in others) + want.places - max_loaded
    gap = _Gap(want.need - room, places if max_loaded and want.places else 0)
    if gap.closed:
        return Admit()
    gap = gap.less(one for one in others if one.use is Use.LEAVING)
    if gap.closed:
        return Wait(True, f"{_needs(want, room)}, which other models are giving back")
    idle = [one for one in others if one.evictable]
    line = sorted(idle, key=lambda one: one.last_used)
    if victims := fewest(line, lambda gone: gap.less(gone).closed):
        why = _needs(want, room) if gap.need > 0 else f"at most {max_loaded} may be loaded"
        return Evict(tuple(one.model for one in victims), why)
    hope = {Use.LOADING, Use.COMING} | ({Use.BUSY} if want.in_line else set())
    awaited = [one for one in others if one.use in hope and not one.pinned]
    if gap.less(idle).less(awaited).closed:
        return Wait(False, f"{_needs(want, room)}{why_not(others)}")
    if gap.less(idle).need <= 0:
        reason = f"{want.model} cannot be loaded beside others: at most {max_loaded} may be loaded"
    else:
        reason = f"insufficient memory: {_needs(want, room)}"
    soon = any(one.use not in (Use.IDLE, Use.LEAVING) for one in others)
    return Refuse(reason + why_not(others), soon)


def fewest(line: Sequence[T], enough: Callable[[Sequence[T]], bool]) -> list[T]:
    """Of a line as many from its front as are enough, and none of them in vain; [] where all are not."""
    victims = next((list(line[:count]) for count in range(1, len(line) + 1) if enough(line[:count])), [])
    for one in reversed(victims[:-1]):  # those at the end of the line are spared first
        spared = [other for other in victims if other is not one]
        victims = spared if enough(spared) else victims
    return victims


def relieve(
    free: int, low: int, residents: Sequence[Resident], *, under_pressure: bool = False
) -> tuple[str, ...]:
    """Idle models to unload so that `low` bytes are free again; under pressure without a shortage, one."""
    idle = sorted((one for one in residents if one.evictable), key=lambda one: one.last_used)
    leaving = sum(one.taken for one in residents if one.use is Use.LEAVING)
    short = low - free - leaving
    if short <= 0:
        still = any(one.use is Use.LEAVING for one in residents)
        return tuple(one.model for one in idle[:1]) if under_pressure and not still else ()
    before = accumulate((one.taken for one in idle), initial=0)
    return tuple(one.model for one, given in zip(idle, before, strict=False) if given < short)


def gigabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{max(size, 0) / 1e6:.0f} MB"


def _needs(want: Want, room: int) -> str:
    return f"{want.model} needs {gigabytes(want.need)}, {gigabytes(room)} is free"


def why_not(others: Collection[Resident]) -> str:
    """Those whose memory cannot be had, and why."""
    parts = [
        _count(sum(one.pinned for one in others), "pinned"),
        *(
            _count(sum(one.use is use and not one.pinned for one in others), word)
            for use, word in ((Use.BUSY, "busy"), (Use.LOADING, "loading"), (Use.COMING, "about to load"))
        ),
    ]
    idle = sum(one.evictable for one in others)
    if idle:
        parts.append(f"unloading {idle} idle {'model' if idle == 1 else 'models'} would not be enough")
    return "".join(f", {part}" for part in parts if part)


def _count(number: int, what: str) -> str:
    return f"{number} {'model is' if number == 1 else 'models are'} {what}" if number else ""
