"""What the supervisors of one user have promised to loads: one small file under one lock.

The lock is held only while a supervisor decides, so nobody waits for it: who finds it taken asks again.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from ai_pal.memory import Claims

LARGEST = 1 << 16
SAME_START = 2.0
"""Seconds by which two readings of when a process started may differ."""


class Row(msgspec.Struct, frozen=True):
    """One supervisor's claims; `started` tells it from a later process with the same pid."""

    pid: int
    started: float
    claims: Claims


class PromiseFile:
    """Implements `server.ports.Promises`. Where `file` cannot be written or locked, every supervisor
    is on its own."""

    def __init__(self, file: Path) -> None:
        self._pid, self._started = os.getpid(), _started(os.getpid())
        self._others: list[Row] = []
        self._fd: int | None = None
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def enter(self) -> Claims | None:
        if self._fd is None:
            return Claims()
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        except OSError:  # a file system without locks
            self._fd = None
            return Claims()
        self._others = [row for row in _read(self._fd) if row.pid != self._pid and _lives(row)]
        return _sum(self._others)

    def leave(self, mine: Claims) -> None:
        if self._fd is None:
            return
        rows = [*self._others, Row(self._pid, self._started, mine)]
        data = msgspec.json.encode([row for row in rows if row.claims != Claims()])
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, data, 0)
        except OSError:  # a full disk: the others see less than is promised
            pass
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Claim nothing any more."""
        if self._fd is not None and self.enter() is not None:
            self.leave(Claims())
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def published(file: Path) -> Claims:
    """What all supervisors together have claimed, as they told last. No lock: good enough to choose by."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return Claims()
    try:
        return _sum([row for row in _read(fd) if _lives(row)])
    finally:
        os.close(fd)


def _sum(rows: list[Row]) -> Claims:
    return Claims(sum(row.claims.taken for row in rows), sum(row.claims.promised for row in rows))


def _read(fd: int) -> list[Row]:
    """The rows; none where the file is damaged: the living write theirs again within seconds."""
    with contextlib.suppress(msgspec.DecodeError, OSError):
        return msgspec.json.decode(os.pread(fd, LARGEST, 0) or b"[]", type=list[Row])
    return []


def _lives(row: Row) -> bool:
    return abs(_started(row.pid) - row.started) < SAME_START


def _started(pid: int) -> float:
    """When this process started, 0 if there is none. The import is late: who finds no rows needs it not."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
