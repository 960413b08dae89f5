"""The run directory: one supervisor at a time, owner-only sockets, nobody's file deleted.

Binding `ipc://` unlinks the path first, so the lock comes before the bind, and a path that holds
anything but a socket is refused.
"""

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Self

import msgspec

from ai_pal.errors import Code, fail

FRONT = "front.sock"
WORKERS = "workers.sock"
LOCK = "supervisor.lock"


def front_endpoint(folder: Path) -> str:
    """Where clients connect."""
    return f"ipc://{folder / FRONT}"


class RunDirectory:
    """The run directory, held by this process until `release`."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock
        self.front = front_endpoint(folder)
        self.workers = f"ipc://{folder / WORKERS}"

    @classmethod
    def acquire(cls, folder: Path, *, auto_started: bool = False) -> Self:
        """Take the lock and clear stale sockets away. `folder` exists and is owner-only.

        Raises `AiPalError`: `supervisor_running`, `socket_path_blocked`.
        """
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            pid = holder(folder)
            fail(
                Code.SUPERVISOR_RUNNING,
                f"a supervisor runs already{f' (pid {pid})' if pid else ''}",
                "see `ai-pal status`; `ai-pal stop` ends it",
            )
        try:
            os.ftruncate(lock, 0)
            os.write(lock, msgspec.json.encode({"pid": os.getpid(), "auto_started": auto_started}))
            for path in (folder / FRONT, folder / WORKERS):
                _require_socket_or_nothing(path)
        except BaseException:
            os.close(lock)
            raise
        _sweep(folder)
        return cls(folder, lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Remove the sockets and let go of the lock (in this order: the next one may be waiting)."""
        _sweep(self.folder)
        os.ftruncate(self._lock, 0)
        os.close(self._lock)


def holder(folder: Path) -> int | None:
    """The pid that the holder of the lock wrote down, if it can be read."""
    try:
        return int(msgspec.json.decode((folder / LOCK).read_bytes())["pid"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


def may_leave(folder: Path) -> bool:
    """Whether the holder of the lock is one that leaves when it is asked; what does not say may."""
    try:
        return bool(msgspec.json.decode((folder / LOCK).read_bytes())["auto_started"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return True


def discard(folder: Path) -> None:
    """Remove a run directory that nobody will use again, unless it holds anything else."""
    with contextlib.suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _require_socket_or_nothing(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        fail(
            Code.SOCKET_PATH_BLOCKED,
            f"{path} is in the way: it is not a socket",
            f"look at it and move it away: mv {path} {path}.old",
        )


def _sweep(folder: Path) -> None:
    for path in folder.glob("*.sock"):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink(missing_ok=True)
