"""A rotated log on disk: `FILE` is the newest, `FILE.1` the one before it, and so on."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ai_pal.logs import ROTATE_KEEP

SUPERVISOR = "supervisor.log"
"""That of a supervisor in the background, in the folder of logs."""


def last_lines(files: list[Path], count: int) -> list[str]:
    """The last `count` lines of `files`, which are given newest first."""
    lines: list[str] = []
    for file in files:
        missing = count - len(lines)
        if missing <= 0:
            break
        try:
            found = file.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            continue
        lines[:0] = [line for line in found if line][-missing:]
    return lines


def generations(file: Path) -> list[Path]:
    """Where a log's lines may be, newest first."""
    return [file, *(file.with_name(f"{file.name}.{number}") for number in range(1, ROTATE_KEEP + 1))]


class Follower:
    """Reads a log as it grows, over rotations too. It need not exist yet.

    The first `read` gives the last `begin` lines."""

    def __init__(self, file: Path, begin: int) -> None:
        self._files = generations(file)
        self._begin: int | None = begin
        self._handle: BinaryIO | None = None
        self._partial = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            self._handle.close()

    def read(self) -> list[str]:
        """The whole lines that came since the last look."""
        if self._handle is None and not self._open(self._files[0]):
            self._begin = None  # all that will be there is new
            return []
        data = self._rest()
        while newer := self._newer():
            data += self._rest()  # what came before the rotation; after it nothing does
            if not self._open(newer):
                break
            data += self._rest()
        lines = self._split(data)
        if self._begin is not None:
            begin, self._begin = self._begin, None
            lines = lines[-begin:] if begin else []
            lines[:0] = last_lines(self._files[1:], begin - len(lines))
        return lines

    def _open(self, file: Path) -> bool:
        try:
            handle = file.open("rb")
        except FileNotFoundError:
            return False
        if self._handle is not None:
            self._handle.close()
        self._handle = handle
        return True

    def _rest(self) -> bytes:
        assert self._handle is not None
        return self._handle.read()

    def _newer(self) -> Path | None:
        """The file that followed the open one, or None when it is the newest still."""
        assert self._handle is not None
        mine = os.fstat(self._handle.fileno())
        oldest = None
        for place, file in enumerate(self._files):
            try:
                found = file.stat()
            except FileNotFoundError:
                continue
            if (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino):
                return self._files[place - 1] if place else None
            oldest = file
        return oldest  # ours was deleted: it was rotated out while nobody looked

    def _split(self, data: bytes) -> list[str]:
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines if line]
