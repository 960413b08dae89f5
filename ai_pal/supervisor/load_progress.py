"""Load progress as seen from outside: an engine that holds the GIL while loading cannot report."""

import msgspec

from ai_pal.launchers.base import ProcessUsage

RUNTIME_SHARE = 1.8
"""Resident memory after a load, over the size of the file: the weights, their copy in the layout
that computes fastest, and the buffers. Measured with llama.cpp: 1.8 to 1.9."""


class LoadWatch(msgspec.Struct):
    """What the process used when the load began, and what it used when last looked at."""

    expected: int
    base: ProcessUsage | None = None
    last: ProcessUsage | None = None

    def look(self, usage: ProcessUsage) -> float | None:
        """The fraction loaded, in [0, 0.99], or None when nothing moved since the last look."""
        if self.base is None:
            self.base = self.last = usage
            return 0.0
        moved = usage != self.last
        self.last = usage
        if not moved:
            return None
        grown = usage.memory - self.base.memory
        return max(0.0, min(0.99, grown / (self.expected * RUNTIME_SHARE))) if self.expected else 0.0
