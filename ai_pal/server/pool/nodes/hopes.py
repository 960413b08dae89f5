"""Loads that wait for memory which nobody has promised them. Where no node could have the room, by the sums
of who is there, all of them are looked at only now and then: a hundred that wait would take all of a core."""

from ai_pal.memory import Decision, Wait
from ai_pal.server.pool.members.model_worker import ModelWorker

AGAIN = 1.0
"""Seconds until it is looked at all nodes again for the same load."""


class Hopes:
    """What each of these was told last, and when."""

    def __init__(self) -> None:
        self._told: dict[ModelWorker, tuple[float, Wait]] = {}

    def told(self, worker: ModelWorker, now: float) -> Wait | None:
        """What it heard a moment ago."""
        at, wait = self._told.get(worker, (0.0, None))
        return wait if wait is not None and now - at < AGAIN else None

    def decided(self, worker: ModelWorker, decision: Decision, now: float) -> None:
        """All nodes were looked at for it."""
        self.leave(worker)
        if isinstance(decision, Wait) and not decision.promised:
            self._told[worker] = now, decision

    def leave(self, worker: ModelWorker) -> None:
        """It does not wait any more."""
        self._told.pop(worker, None)
