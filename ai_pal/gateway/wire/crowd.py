"""All connections and what each is at: which have had their time, and who goes for one more. Pure."""

from collections.abc import Iterator
from enum import Enum
from itertools import islice, takewhile
from typing import Generic, TypeVar

M = TypeVar("M")

GRACE = 1.0
"""Seconds that a silent connection may stay however many come: its request may be on the way."""


class Phase(Enum):
    """`SILENT`: a request's head is waited for. `ASKING`: a request is open. `SPENT`: it is answered, and
    what is left of its body is passed over. `IDLE`: between two requests. `LEAVING`: last bytes go out."""

    SILENT = "silent"
    ASKING = "asking"
    SPENT = "spent"
    IDLE = "idle"
    LEAVING = "leaving"


class Crowd(Generic[M]):
    """At most `most` connections, for a second twice as many. `times` are the seconds that one may stay in
    a phase; in others it may stay for ever."""

    def __init__(self, most: int, times: dict[Phase, float]) -> None:
        self._most, self._times = most, times
        self._since: dict[Phase, dict[M, float]] = {phase: {} for phase in Phase}
        self._phase: dict[M, Phase] = {}

    def __len__(self) -> int:
        return len(self._phase)

    def came(self, one: M, now: float) -> list[M]:
        """A new connection; those that have to go for it. Where it is among them, there is no place: all the
        others are at work."""
        if len(self._since[Phase.ASKING]) >= self._most:
            return [one]
        self.is_now(one, Phase.SILENT, now)
        return self.overdue(now) if len(self) > 2 * self._most else []

    def is_now(self, one: M, phase: Phase, now: float) -> None:
        """From now on it is in this phase."""
        self.left(one)
        self._phase[one] = phase
        self._since[phase][one] = now  # behind all that are in this phase for longer

    def phase_of(self, one: M) -> Phase | None:
        """Where it is; None: it has left."""
        return self._phase.get(one)

    def at(self, phase: Phase) -> list[M]:
        """Those in this phase, the longest first."""
        return list(self._since[phase])

    def left(self, one: M) -> None:
        """It is gone."""
        if (phase := self._phase.pop(one, None)) is not None:
            del self._since[phase][one]

    def overdue(self, now: float) -> list[M]:
        """Those that have to go: whose time is over, and, where there are too many, those that have been
        silent longest."""
        found = [
            one for phase, seconds in self._times.items() for one in self._at_least(phase, now - seconds)
        ]
        going = set(found)
        for least, most in ((GRACE, self._most), (0.0, 2 * self._most)):
            spare = len(self) - len(going) - most
            if spare > 0:
                more = [
                    one for one in islice(self._silent(now - least), spare + len(going)) if one not in going
                ]
                found += more[:spare]
                going.update(more[:spare])
        return found

    def _silent(self, since: float) -> Iterator[M]:
        """Those without a request, since then or longer; whom it hurts least first."""
        for phase in (Phase.SPENT, Phase.SILENT, Phase.IDLE):
            yield from self._at_least(phase, since)

    def _at_least(self, phase: Phase, since: float) -> Iterator[M]:
        """Those that are in this phase since then, or longer."""
        return (one for one, _ in takewhile(lambda pair: pair[1] <= since, self._since[phase].items()))
