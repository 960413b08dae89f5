"""For what somebody who reads may wait: a loop that others use for nothing, a thread of its own for anything.
What would take longer says so before it begins."""

from contextvars import ContextVar
from enum import IntEnum


class Wait(IntEnum):
    """Each longer than the one before it: moments, a file, another process."""

    NOTHING = 0
    FILE = 1
    PROCESS = 2


may_wait: ContextVar[Wait] = ContextVar("may_wait", default=Wait.PROCESS)


class WaitsError(Exception):
    """Here nobody can wait for what it `waits` for."""

    def __init__(self, waits: Wait) -> None:
        super().__init__(waits)
        self.waits = waits


def wait_for(waits: Wait) -> None:
    """This is going to be waited for. Raises `WaitsError`: not here."""
    if may_wait.get() < waits:
        raise WaitsError(waits)
