"""Threads that compute ask for long turns on the processor, so that those that pass text on come in between.

Linux lets a thread that wakes in at once if its turn is the shorter one; else it may wait up to a tick, some
4 ms, behind one that computes, at each of the ten places where a token is handed on. Shares in the processor
stay as they are. Threads that are started inherit it.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator

LONGEST = 100_000_000
"""Nanoseconds: more is not given."""
USUAL = 0

CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""Numbers of `sched_setattr`, by machine."""

ATTRIBUTES = struct.Struct("IIQiIQQQ")
"""`struct sched_attr`: its size, policy, flags, nice, priority, runtime, deadline, period."""


def take() -> None:
    """From now on this thread has long turns, where the system knows such (Linux 6.12); else nothing."""
    _ask(LONGEST)


@contextlib.contextmanager
def inherited() -> Iterator[None]:
    """The threads that are started within have them, this one has its usual ones again behind it."""
    _ask(LONGEST)
    try:
        yield
    finally:
        _ask(USUAL)


def _ask(nanoseconds: int) -> None:
    call = CALLS.get(platform.machine())
    if sys.platform != "linux" or call is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, nanoseconds, 0, 0)
    ctypes.CDLL(None).syscall(call, 0, wanted, 0)  # who does not let us goes on as before
