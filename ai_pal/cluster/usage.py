"""When it is worth a message what a worker has used: thousands of them only beat, and use a little of
everything. Pure."""

from ai_pal.server.nodes.base import ProcessUsage
from ai_pal.server.pool.members.load_progress import MOVED, moved

TOLD_AGAIN = 10.0
"""Seconds until it is told again, news or not: what was told may have been left out on its way."""


class UsageNews:
    """Knows what was told last of one worker."""

    def __init__(self) -> None:
        self._told: ProcessUsage | None = None
        self._at = 0.0

    def is_news(self, usage: ProcessUsage, now: float) -> bool:
        """Whether this is to be told now, which it counts as then: a load would have moved by it, its own
        memory is another, or nothing was told for long."""
        if self._told is not None and now - self._at < TOLD_AGAIN:
            grown = abs(usage.private - self._told.private)
            if grown < MOVED.memory and not moved(self._told, usage):
                return False
        self._told, self._at = usage, now
        return True
