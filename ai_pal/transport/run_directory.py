"""The run directory: one supervisor at a time, owner-only sockets, nobody's file deleted.

The lock comes before the sockets, a path that holds anything but a socket is refused, and at the end only
those files go that this process made: another supervisor may have taken a swept directory over. So the
sockets are made here and libzmq is given their descriptors: by itself it unlinks what it finds at a path.
"""

import contextlib
import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn, Self

import msgspec

from ai_pal.config.paths import make_private
from ai_pal.errors import Code, fail
from ai_pal.transport.listening import listens
from ai_pal.transport.run_files import FRONT, LOCK, WORKERS, front_endpoint, holder

SOCKETS = (FRONT, WORKERS)

NEW = ".new"
"""What the name of a socket ends in until it listens: then it takes its place, whole."""

TRIES = 5
"""How often a directory is made anew that is swept while it is made."""


class FileId(NamedTuple):
    """One file, whatever its name: no other gets its number while we hold it open."""

    device: int
    inode: int


class RunDirectory:
    """The run directory, held by this process until `release`. One that is `temporary` goes with it."""

    def __init__(
        self, folder: Path, lock: int, *, auto_started: bool = False, temporary: bool = False
    ) -> None:
        self.folder = folder
        self._lock, self._auto_started, self._temporary = lock, auto_started, temporary
        self._made: dict[str, FileId] = {}
        self.front = front_endpoint(folder)
        self.workers = f"ipc://{folder / WORKERS}"

    @classmethod
    def acquire(cls, folder: Path, *, auto_started: bool = False, temporary: bool = False) -> Self:
        """Take the lock and clear stale sockets away. `folder` exists and is owner-only.

        Raises `AiPalError`: `supervisor_running`, `socket_path_blocked`.
        """
        lock = _locked(folder)
        try:
            if listens(folder / FRONT):  # its lock was removed; it will make it anew
                _refuse(folder)
            _sign(lock, auto_started)
            for name in SOCKETS:
                _require_socket_or_nothing(folder / name)
        except BaseException:
            os.close(lock)
            raise
        for name in SOCKETS:
            (folder / name).unlink(missing_ok=True)
        return cls(folder, lock, auto_started=auto_started, temporary=temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def endpoint(self, name: str) -> str:
        """The address of a socket."""
        return f"ipc://{self.folder / name}"

    def secure(self) -> None:
        """Hold the lock that lies in the folder now. Raises `AiPalError` (`supervisor_running`: another has
        taken over; `run_dir_unsafe`)."""
        if self._has_lock():
            return
        make_private(self.folder)
        lock = _locked(self.folder)
        os.close(self._lock)  # it locks a file that nobody finds any more
        self._lock = lock
        _sign(lock, self._auto_started)

    def listen(self, name: str) -> int:
        """A new descriptor that listens under this name, in the place of whatever socket is there. Makes the
        folder and the lock again where they are gone. Raises `AiPalError`, OSError."""
        for _ in range(TRIES):
            with contextlib.suppress(FileNotFoundError):  # swept at this very moment
                self.secure()
                return self._listening(name)
        self.secure()
        return self._listening(name)

    def lost(self) -> tuple[str, ...]:
        """The files that are gone, or are others than those that this process made."""
        found = [name for name, made in self._made.items() if _id_at(self.folder / name) != made]
        return (*found, *([] if self._has_lock() else [LOCK]))

    def taken(self) -> bool:
        """Whether another process has taken this place: its lock lies there, and it listens."""
        return (
            not self._has_lock() and _id_at(self.folder / LOCK) is not None and listens(self.folder / FRONT)
        )

    def release(self) -> None:
        """Remove our sockets and let go of the lock (in this order: the next one may be waiting)."""
        for name, made in self._made.items():
            if _id_at(self.folder / name) == made:
                (self.folder / name).unlink(missing_ok=True)
        if self._temporary and self._has_lock():
            with contextlib.suppress(OSError):  # it may hold what is not ours
                (self.folder / LOCK).unlink(missing_ok=True)
                self.folder.rmdir()
        os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def _has_lock(self) -> bool:
        held = os.fstat(self._lock)
        return _id_at(self.folder / LOCK) == FileId(held.st_dev, held.st_ino)

    def _listening(self, name: str) -> int:
        path, new = self.folder / name, self.folder / f"{name}{NEW}"
        for each in (path, new):
            _require_socket_or_nothing(each)
        new.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as made:
            made.bind(str(new))
            made.listen(socket.SOMAXCONN)
            found = new.lstat()
            new.rename(path)
            self._made[name] = FileId(found.st_dev, found.st_ino)
            return made.detach()


def _locked(folder: Path) -> int:
    """A descriptor of the lock file that lies in the folder, locked. Raises `AiPalError`."""
    for lock in _opened(folder):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            _refuse(folder)
        found = os.fstat(lock)
        if _id_at(folder / LOCK) == FileId(found.st_dev, found.st_ino):
            return lock
        os.close(lock)  # removed between the two: whoever comes next would lock another file
    raise FileNotFoundError(errno.ENOENT, "it is removed again and again", str(folder / LOCK))


def _opened(folder: Path) -> Iterator[int]:
    for _ in range(TRIES):
        yield os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _sign(lock: int, auto_started: bool) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, msgspec.json.encode({"pid": os.getpid(), "auto_started": auto_started}), 0)


def _refuse(folder: Path) -> NoReturn:
    pid = holder(folder)
    fail(
        Code.SUPERVISOR_RUNNING,
        f"a supervisor runs already{f' (pid {pid})' if pid else ''}",
        "see `ai-pal status`; `ai-pal stop` ends it",
    )


def _id_at(path: Path) -> FileId | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return FileId(found.st_dev, found.st_ino)


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
