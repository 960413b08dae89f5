"""Waiting for facts outside: a process that is gone, a file that is there; and how long that may take."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS, RARELY = 0.01, 0.1
"""Between two looks, at first and after a second."""

STILL = 5.0
"""Seconds between two looks beyond which this machine, or all of these processes, stood still."""


def busy() -> float:
    """How many processes want each core, at least 1: so many times longer takes what is computed now."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def allowed(seconds: float) -> float:
    """A promised limit as it can be held here and now; the load is an average, and lags behind."""
    return seconds * (1.0 if busy() == 1.0 else 2.0 * busy())


def eventually(fact: Callable[[], T | None], within: float = 60.0) -> T:
    """The first true value of `fact`. Fails when there is none `within` seconds in which time went on."""
    waited, looked = 0.0, time.monotonic()
    while True:
        if value := fact():
            return value
        now = time.monotonic()
        waited, looked = waited + min(now - looked, STILL), now
        assert waited < within, f"not so within {within:g} s: {fact}"
        time.sleep(min(max(LOOK_SECONDS, waited / 10), RARELY))  # looking is to cost little of what goes on


def files_below(folder: Path) -> list[Path]:
    """All files in it, while another process makes and sweeps some."""
    found = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if path.is_file())
