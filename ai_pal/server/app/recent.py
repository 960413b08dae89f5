"""What was looked at lately, by name: it holds for a moment, and of a few names alone."""

from typing import Generic, TypeVar

from ai_pal.server.ports import Clock

FRESH = 2.0
"""Seconds for which a look holds."""

MOST_LOOKS = 32
"""Names of which the latest look is kept."""

T = TypeVar("T")


class Recent(Generic[T]):
    """See the module."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._kept = clock, dict[str, tuple[float, T]]()

    def get(self, name: str) -> T | None:
        """What was put there, if that is not too long ago."""
        at, found = self._kept.get(name, (float("-inf"), None))
        return found if self._clock.now() - at < FRESH else None

    def put(self, name: str, found: T) -> None:
        """Keep it, and forget the oldest beyond `MOST_LOOKS`."""
        self._kept.pop(name, None)
        self._kept[name] = (self._clock.now(), found)
        if len(self._kept) > MOST_LOOKS:
            del self._kept[next(iter(self._kept))]
