"""Load progress as seen from outside: an engine that holds the GIL while loading cannot report."""

import msgspec

from ai_pal.server.nodes.base import ProcessUsage

RUNTIME_SHARE = 1.8
"""Resident memory after a load, over the size of the file: the weights, their copy in the layout
that computes fastest, and the buffers. Measured with llama.cpp: 1.8 to 1.9."""

MOVED = ProcessUsage(cpu=0.1, memory=256 * 1024, read=64 * 1024)
"""Less than this is no progress: a worker that only beats uses a little of everything too."""


class LoadWatch(msgspec.Struct):
    """What the process used when the load began, and what it used when it last moved."""

    expected: int
    base: ProcessUsage | None = None
    last: ProcessUsage | None = None

    def look(self, usage: ProcessUsage) -> float | None:
        """The fraction loaded, in [0, 0.99], or None while nothing has moved."""
        if self.base is None or self.last is None:
            self.base = self.last = usage
            return 0.0
        if not moved(self.last, usage):
            return None
        self.last = usage
        grown = usage.memory - self.base.memory
        return max(0.0, min(0.99, grown / (self.expected * RUNTIME_SHARE))) if self.expected else 0.0


def moved(before: ProcessUsage, now: ProcessUsage) -> bool:
    """Whether it has used so much more that its load goes on."""
    return (
        now.cpu - before.cpu >= MOVED.cpu
        or abs(now.memory - before.memory) >= MOVED.memory
        or now.read - before.read >= MOVED.read
    )
