"""For how long each end of an agent's connection bears silence. Pure: `now` is in seconds.

The agent ends its worker and itself after `LEASE` without a sign of life. The near end stops giving signs of
life to whom it has not heard for `QUIET`: so also where only one direction is cut, an agent has ended before
its death is spoken of, `SILENCE` after it was last heard.
"""

from collections.abc import Sequence

from ai_pal.transport.lease import BEAT, LEASE, LOOK, Lease

__all__ = ["BEAT", "LEASE", "LOOK", "QUIET", "SILENCE", "NearEnd", "is_fresh"]

QUIET = 0.9
SILENCE = 3.0


def is_fresh(said: Sequence[float], number: int, now: float) -> bool:
    """Whether the welcome for the greeting of this `number` counts: it answers one that was said just
    now. `said` is when each was. One that lay on a cut line may come after its worker's end was told."""
    return 0 <= number < len(said) and now - said[number] < LEASE


class NearEnd:
    """What the cluster process knows of one agent's signs of life."""

    def __init__(self, now: float) -> None:
        self._quiet, self._silent = Lease(QUIET, now), Lease(SILENCE, now)
        self._beat_at = now

    def heard(self) -> None:
        """Something came from it."""
        self._quiet.heard()
        self._silent.heard()

    def look(self, now: float) -> bool:
        """Whether it is to get a sign of life now; to be asked every `LOOK` seconds."""
        quiet = self._quiet.over(now)
        due = now >= self._beat_at
        if due:
            self._beat_at = now + BEAT
        return due and not quiet

    def over(self, now: float) -> bool:
        """Whether it has ended itself by now; to be asked every `LOOK` seconds."""
        return self._silent.over(now)
