"""JSON log lines on stderr, where the supervisor reads them; light enough for a worker's start."""

import os
from contextlib import suppress

import msgspec

STDERR = 2


def log(level: str, event: str, **fields: object) -> None:
    """Write one line in one call, so that lines of several threads never mix."""
    line = msgspec.json.encode({"level": level, "event": event, **fields})
    with suppress(OSError):  # nobody reads any more: the worker is about to end
        os.write(STDERR, line + b"\n")
