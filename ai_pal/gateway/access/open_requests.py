"""How many requests of each key are open, at all processes of one port: each counts in a file of its own,
which the others read. One that was killed counts no more."""

import hashlib
import mmap
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PLACES = 4096
"""Counters of a file; two keys that share one (one pair in 4,096) have their places together."""

LOOK_SECONDS = 1.0
"""Between two looks for the other processes."""

_SUFFIX = ".open"


class OpenRequests:
    """Of this process, and of those that share `folder` with it; "" is none."""

    def __init__(self, folder: str = "", now: Callable[[], float] = time.monotonic, pid: int = 0) -> None:
        self._now = now
        self._here: Counter[str] = Counter()
        self._folder = Path(folder) if folder else None
        self._look_at = 0.0
        self._others: dict[Path, memoryview] = {}
        if self._folder is not None:
            self._file = self._folder / f"{pid or os.getpid()}{_SUFFIX}"
            self._file.write_bytes(bytes(4 * PLACES))
            self._own = _counters(self._file)

    def of(self, name: str) -> int:
        """Those of this key that are open now."""
        if self._folder is None:
            return self._here[name]
        self._look()
        place = _place(name)
        return self._own[place] + sum(other[place] for other in self._others.values())

    def begins(self, name: str) -> None:
        """One more is open."""
        self._add(name, 1)

    def ends(self, name: str) -> None:
        """One is over."""
        self._add(name, -1)

    def _add(self, name: str, more: int) -> None:
        if self._folder is not None:
            self._own[_place(name)] += more
            return
        self._here[name] += more
        if not self._here[name]:
            del self._here[name]

    def _look(self) -> None:
        assert self._folder is not None
        if self._now() < self._look_at:
            return
        self._look_at = self._now() + LOOK_SECONDS
        found = {file for file in self._folder.glob(f"*{_SUFFIX}") if file != self._file}
        dead = {file for file in found if not lives(int(file.stem))}
        for file in dead:
            file.unlink(missing_ok=True)
        self._others = {file: known for file, known in self._others.items() if file in found - dead}
        for file in found - dead - self._others.keys():
            with suppress(OSError, ValueError):  # one that has just begun, or is just ending
                self._others[file] = _counters(file)


def _counters(file: Path) -> memoryview:
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 4 * PLACES)).cast("I")


def _place(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=2).digest(), "little") % PLACES


def lives(pid: int) -> bool:
    """Whether a process of this user has this number."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
