"""For how long each end of an agent's connection bears silence. Pure: `now` is in seconds.

The agent ends its worker and itself after `LEASE` without a sign of life. The near end stops giving signs of
life to whom it has not heard for `QUIET`: so also where only one direction is cut, an agent has ended before
its death is spoken of, `SILENCE` after it was last heard.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import takewhile

from ai_pal.transport.lease import BEAT, LEASE, LOOK, STEP

__all__ = ["BEAT", "LEASE", "LOOK", "QUIET", "SILENCE", "NearEnds", "is_fresh"]

QUIET = 0.9
SILENCE = 3.0


def is_fresh(said: Sequence[float], number: int, now: float) -> bool:
    """Whether the welcome for the greeting of this `number` counts: it answers one that was said just
    now. `said` is when each was. One that lay on a cut line may come after its worker's end was told."""
    return 0 <= number < len(said) and now - said[number] < LEASE


class NearEnds:
    """What the cluster process knows of its agents' signs of life. A look costs nothing for those that were
    heard of and have had their beat."""

    def __init__(self) -> None:
        self._looked: float | None = None
        self._ran = 0.0
        """Seconds in which this process has run: while it stood still, what came lay unread."""
        self._heard: OrderedDict[str, float] = OrderedDict()
        """When each was heard of last; whoever is silent for longest comes first."""
        self._beat_at: OrderedDict[str, float] = OrderedDict()
        """In order too."""

    def add(self, worker: str, now: float) -> None:
        """From now on something has to come from its agent."""
        self._heard[worker], self._beat_at[worker] = self._ran, now
        self._beat_at.move_to_end(worker, last=False)

    def drop(self, worker: str) -> None:
        """It is not listened for any more."""
        self._heard.pop(worker, None)
        self._beat_at.pop(worker, None)

    def heard(self, worker: str) -> None:
        """Something came from it."""
        if worker in self._heard:
            self._heard[worker] = self._ran
            self._heard.move_to_end(worker)

    def heard_all(self) -> None:
        """Nothing was read for a while, so nobody's silence tells anything."""
        self._heard = OrderedDict.fromkeys(self._heard, self._ran)

    def look(self, now: float) -> tuple[list[str], list[str]]:
        """Who is to get a sign of life now, and who has ended itself by now; to be asked every `LOOK`
        seconds."""
        self._ran += 0.0 if self._looked is None else min(now - self._looked, STEP)
        self._looked = now
        silent = list(takewhile(lambda one: self._ran - self._heard[one] >= SILENCE, self._heard))
        due = list(takewhile(lambda one: self._beat_at[one] <= now, self._beat_at))
        for worker in due:
            self._beat_at[worker] = now + BEAT
            self._beat_at.move_to_end(worker)
        return [worker for worker in due if self._ran - self._heard[worker] < QUIET], silent
