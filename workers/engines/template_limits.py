"""What a chat template may take: they are programs, and come from strangers."""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

LONGEST_TEMPLATE = 256 << 10
LONGEST_RENDERING = 64 << 20
SECONDS, SECONDS_PER_MIB = 2.0, 1.0
"""Per conversation, and per MiB of its text."""
TEMPLATE = "<template>"
"""The file that Jinja2 says templates are: each line of theirs is watched, of all others each call."""
Result = TypeVar("Result")


def bounded(size: int, render: Callable[[], Any]) -> str:
    """What it renders of a conversation of so many characters. Raises `ValueError` where it makes no text, or
    takes too much; from within, when it computes too long."""
    text = within(SECONDS + SECONDS_PER_MIB * size / (1 << 20), render)
    if not isinstance(text, str) or len(text) > LONGEST_RENDERING + size * 4:
        raise ValueError("it makes no text, or far too much")
    return text


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Call, and raise `ValueError` from within when it computes longer.

    Only this thread is watched: a busy machine makes no template long. What one long operation of the
    interpreter itself does is not seen.
    """
    deadline, earliest = time.thread_time() + seconds, time.monotonic() + seconds

    def watch(frame: FrameType, event: str, argument: object) -> Any:
        # To ask for the time of a thread takes a microsecond, more than most lines do.
        if time.monotonic() > earliest and time.thread_time() > deadline:
            raise ValueError(f"it took longer than {seconds:.1f} s")
        return watch if frame.f_code.co_filename == TEMPLATE else None

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return call()
    finally:
        sys.settrace(before)
