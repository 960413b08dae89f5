"""JSON log lines on stderr, where the supervisor reads them; light enough for a worker's start."""

import os
from contextlib import suppress

import msgspec

STDERR = 2
MARK = os.environ.get("AI_PAL_LOG_MARK", "")
"""What tells our own lines from those of engines, which may quote what was asked."""
SERVING = "serving"
"""From this event on they may: nothing was asked before."""


def log(level: str, event: str, **fields: object) -> None:
    """Write one line in one call, so that lines of several threads never mix."""
    line = msgspec.json.encode({"level": level, "event": event, **fields})
    with suppress(OSError):  # nobody reads any more: the worker is about to end
        os.write(STDERR, MARK.encode() + line + b"\n")


def cause(error: BaseException) -> str:
    """What was raised, and where: its words may quote what was asked."""
    name, trace = type(error).__name__, error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return name
    return f"{name} at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
