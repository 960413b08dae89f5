"""Ctrl-C while modules are imported is heard when they are: in the middle of an import it may come out as
another error, get lost in a callback, or crash a library."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

IMPORTS = "<frozen importlib._bootstrap>"
AGAIN = 0.01
"""Seconds until it is looked again whether an import is over."""


@contextlib.contextmanager
def after_imports() -> Iterator[None]:
    """Within, Ctrl-C raises `KeyboardInterrupt` as ever, but never within an import."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, _interrupted)) for number in (signal.SIGINT, signal.SIGALRM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _interrupted(number: int, frame: FrameType | None) -> None:
    if _imports(frame):
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
    else:
        raise KeyboardInterrupt


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == IMPORTS:
            return True
        frame = frame.f_back
    return False
