"""For how long the other end of a link may be silent. Pure: `now` is in seconds of any clock that goes on."""

BEAT = 0.5
"""Seconds between two beats of each end."""

LEASE = 2.0
"""Seconds of silence after which the far end ends, and what was asked through it with it."""

SILENCE = 2.5
"""Seconds of silence after which the near end says that the link is cut: the far end has ended by then."""

LOOK = 0.1
"""Seconds between two looks."""

STEP = 5 * LOOK
"""More than this never counts between two looks."""


class Lease:
    """Counts silence. Time in which this process itself stood still counts as one step: what came meanwhile
    lies unread."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds, self._looked, self._silent = seconds, now, 0.0

    def heard(self) -> None:
        """Something came."""
        self._silent = 0.0

    def over(self, now: float) -> bool:
        """Whether nothing came for too long; to be asked every `LOOK` seconds."""
        self._silent += min(now - self._looked, STEP)
        self._looked = now
        return self._silent >= self._seconds
