"""Waiting for facts outside: a process that is gone, a file that is there."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.01


def eventually(fact: Callable[[], T | None], within: float = 5.0) -> T:
    """The first true value of `fact`. Fails when there is none `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        if value := fact():
            return value
        assert time.monotonic() < deadline, f"not so within {within:g} s: {fact}"
        time.sleep(LOOK_SECONDS)
