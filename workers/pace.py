"""When text leaves a worker: at once after a pause, else in steps of so many seconds. Pure."""

EARLY = 0.001
"""Seconds by which the loop may come too early: its waits are whole milliseconds."""


class Pace:
    """After a sending the loop comes by itself at `due`, and what is said until then waits for it. At 0.0 it
    does not come unless it is woken: so it is always without an `interval`."""

    __slots__ = ("due", "interval")

    def __init__(self) -> None:
        self.interval = self.due = 0.0

    def sent(self, now: float) -> None:
        """Text has just left."""
        if self.interval:
            self.due = now + self.interval

    def nothing(self, now: float) -> None:
        """There was nothing to be sent: from `due` on the next text has to wake the loop."""
        if now >= self.due - EARLY:
            self.due = 0.0

    def holds(self, now: float) -> bool:
        """Whether the time for the next text has not come yet."""
        return now < self.due - EARLY


def patience(now: float, beat: float, due: float) -> int:
    """Milliseconds that the loop may wait: not too early for its beat, nor too late for text."""
    until_beat = int(max(0.0, beat - now) * 1000) + 1
    return min(until_beat, int(max(0.0, due - now) * 1000)) if due else until_beat
