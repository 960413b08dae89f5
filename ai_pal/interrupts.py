"""Ctrl-C while modules are imported is heard once they are: before, it may come out as another error, get
lost in a callback, or crash a library."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

IMPORTS = "<frozen importlib._bootstrap>"
LOST = ("__del__", "__hash__", "__eq__")
"""What is raised in these is thrown away: Python does so for a finalizer, and C code that looks a key up in a
dictionary for the two others."""
AGAIN = 0.001
"""Seconds until it is looked again whether an import is over."""


@contextlib.contextmanager
def after_imports() -> Iterator[None]:
    """Within, Ctrl-C raises `KeyboardInterrupt` as ever, but not in an import, nor where it would be lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waits = False

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal waits
        waits = _must_wait(frame)
        if not waits:
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, AGAIN)

    before = [(number, signal.signal(number, interrupted)) for number in (signal.SIGINT, signal.SIGALRM)]
    try:
        yield
    finally:
        if waits:  # the alarm would be the end of a process that does not expect it
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before:
            signal.signal(number, handler)
    if waits:
        raise KeyboardInterrupt


def _must_wait(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS or frame.f_code.co_name in LOST:
            return True
        frame = frame.f_back
    return False
