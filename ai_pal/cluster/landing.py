"""Where a received file lies until it is whole: beside its place, locked, and resumed by the next try."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ai_pal.catalog.cache import replace_whole, told_apart
from ai_pal.cluster.receiving import PIECE, Piece, Receiving
from ai_pal.errors import Code, fail

FOLDER = ".receiving"


class Landing:
    """Takes the pieces of one file. Made by `landing`."""

    def __init__(self, target: Path, kept: Path, descriptor: int, size: int, sha256: str) -> None:
        self._target, self._kept, self._descriptor = target, kept, descriptor
        self._size, self._sha256 = size, sha256
        self.receiving = self._resumed()

    def take(self, piece: Piece) -> None:
        """Raises ValueError as `Receiving.took`, and OSError."""
        data = memoryview(self.receiving.took(piece))
        while data:
            data = data[os.write(self._descriptor, data) :]

    def publish(self) -> bool:
        """Put the file into its place if it is whole. False: its hash is another, and it is thrown away."""
        if self.receiving.whole:
            os.fsync(self._descriptor)
            replace_whole(self._kept, self._target)
            return True
        os.ftruncate(self._descriptor, 0)
        self.receiving = self._resumed()
        return False

    def _resumed(self) -> Receiving:
        receiving = Receiving(self._size, self._sha256)
        if os.fstat(self._descriptor).st_size > self._size:
            os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        while data := os.read(self._descriptor, PIECE):
            receiving.kept(data)
        return receiving


@contextlib.contextmanager
def landing(target: Path, size: int, sha256: str) -> Iterator[Landing]:
    """Receive `target`. What has come stays for the next try when this one ends before all is there.

    Raises `AiPalError`: `overloaded` while another process receives this file, and as `told_apart`."""
    kept = target.parent / FOLDER / sha256
    with told_apart(target.parent):
        kept.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(kept, target.name)
        try:
            yield Landing(target, kept, descriptor, size, sha256)
        finally:
            os.close(descriptor)


def _locked(kept: Path, name: str) -> int:
    while True:
        descriptor = os.open(kept, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, kept):
                return descriptor
            os.close(
                descriptor
            )  # it was published between the two lines above: this is the file in its place
        except BlockingIOError:
            os.close(descriptor)
            fail(Code.OVERLOADED, f"{name} is being received already", "wait for that", retryable=True)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
