"""Reads the weight files once while libraries are imported, so that the load finds them in memory."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

BLOCK = 8 << 20
"""Bytes that are read at once."""

LARGEST_SHARE = 0.8
"""More than this part of the available memory is not read ahead: it would push itself out again."""


class Paging:
    """Begins at once, on a thread of its own; `report` hears the part that is read, in [0, 1]."""

    def __init__(self, shards: Sequence[Path], size: int, report: Callable[[float], None]) -> None:
        self._shards, self._size, self._report = shards, size, report
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="paging", daemon=True)
        if size <= psutil.virtual_memory().available * LARGEST_SHARE:
            self._thread.start()

    def stop(self) -> None:
        """No report comes after this."""
        self._stopped = True
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        buffer = bytearray(BLOCK)
        done = 0
        for shard in self._shards:
            # what cannot be read, the load itself says
            with contextlib.suppress(OSError), shard.open("rb", buffering=0) as file:
                while not self._stopped and (count := file.readinto(buffer)):
                    done += count
                    self._report(min(done / max(self._size, 1), 1.0))
