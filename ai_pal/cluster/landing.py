"""Where a received file lies until it is whole: apart, locked, and resumed by the next try."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ai_pal.catalog.caches.cache import replace_whole, told_apart
from ai_pal.cluster.receiving import PIECE, Piece, Receiving
from ai_pal.errors import Code, fail

FOLDER = ".receiving"
"""Under a cache: walks over the files there leave it out."""

SYNC_BYTES = 64 << 20
"""What may be written and not yet on the disk: the end of a large file is to be no long wait."""

KEPT_SECONDS = 7 * 86400.0
"""After this nobody is expected to go on with what came of a file, or to ask for what is no model of the
hub's."""


class Landing:
    """Takes the pieces of one file. Made by `landing`."""

    def __init__(
        self, target: Path, kept: Path, descriptor: int, size: int, sha256: str, looked: Callable[[int], None]
    ) -> None:
        self._target, self._kept, self._descriptor = target, kept, descriptor
        self._size, self._sha256, self._unsynced = size, sha256, 0
        self.receiving = self._resumed(looked)

    def take(self, piece: Piece) -> None:
        """Raises ValueError as `Receiving.took`, and OSError."""
        data = memoryview(self.receiving.took(piece))
        self._unsynced += len(data)
        if self._unsynced >= SYNC_BYTES:
            os.fdatasync(self._descriptor)
            self._unsynced = 0
        while data:
            data = data[os.write(self._descriptor, data) :]

    def publish(self) -> bool:
        """Put the file into its place if it is whole. False: its hash is another, and it is thrown away."""
        if self.receiving.whole:
            os.fsync(self._descriptor)
            self._target.parent.mkdir(parents=True, exist_ok=True)
            replace_whole(self._kept, self._target)
            return True
        os.ftruncate(self._descriptor, 0)
        self.receiving = self._resumed(lambda done: None)
        return False

    def leave(self) -> None:
        """It is not wanted any more: another has brought the file."""
        self._kept.unlink(missing_ok=True)

    def _resumed(self, looked: Callable[[int], None]) -> Receiving:
        receiving = Receiving(self._size, self._sha256)
        if os.fstat(self._descriptor).st_size > self._size:
            os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        while data := os.read(self._descriptor, PIECE):
            receiving.kept(data)
            looked(receiving.done)
        return receiving


@contextlib.contextmanager
def landing(
    target: Path, folder: Path, size: int, sha256: str, looked: Callable[[int], None] = lambda done: None
) -> Iterator[Landing]:
    """Receive `target` by way of `folder`, on the same disk. What has come stays for the next try when this
    one ends before all is there; `looked` hears how much of that was read again.

    Raises `AiPalError`: `overloaded` while another process receives this file, and as `told_apart`."""
    kept = folder / sha256
    with told_apart(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(kept, target.name)
        try:
            os.utime(descriptor)  # it is gone on with: nobody sweeps it away
            yield Landing(target, kept, descriptor, size, sha256, looked)
        finally:
            os.close(descriptor)


def sweep(folder: Path, now: float | None = None) -> None:
    """Remove what nobody has gone on with, or used, for long."""
    before = (time.time() if now is None else now) - KEPT_SECONDS
    with contextlib.suppress(OSError):
        for kept in folder.iterdir():
            if kept.stat().st_mtime < before:
                shutil.rmtree(kept) if kept.is_dir() else kept.unlink()


def _locked(kept: Path, name: str) -> int:
    while True:
        descriptor = os.open(kept, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            fail(Code.OVERLOADED, f"{name} is being received already", "wait for that", retryable=True)
        if _is_at(descriptor, kept):
            return descriptor
        os.close(descriptor)  # it was published between the two lines above: this is the file in its place


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
