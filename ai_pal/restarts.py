"""When a process that is to be there always is started again after it has ended. Pure."""

BASE, CAP = 0.5, 30.0
"""Seconds before the first new start, and before any."""

CALM = 60.0
"""Who has lived so long begins a new series."""


class Restarts:
    """One process: each end that follows its start closely doubles the wait."""

    def __init__(self, base: float = BASE, cap: float = CAP, calm: float = CALM) -> None:
        self._base, self._cap, self._calm = base, cap, calm
        self._series = 0

    def wait(self, lived: float) -> float:
        """Seconds until the next start, of one that has lived so long."""
        self._series = 1 if lived >= self._calm else self._series + 1
        return min(self._cap, self._base * 2.0 ** min(self._series - 1, 60))
