"""The conversations of this user, for an event loop: all that touches the disk happens in one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ai_pal.conversations.recorder import Recorder
from ai_pal.conversations.shelf import Shelf

T = TypeVar("T")


class History:
    """Owns the way to the database. Without `writes` nothing new is kept."""

    def __init__(self, file: Path, *, writes: bool = True) -> None:
        self._file, self.writes = file, writes
        self._thread = ThreadPoolExecutor(1, "history")
        self._shelf: Shelf | None = None
        self._changes = 0

    async def read(self, work: Callable[[Shelf], T]) -> T:
        """What this gives. Raises `AiPalError`."""
        return await self._apart(lambda: work(self._opened()))

    async def change(self, work: Callable[[Shelf], T]) -> T:
        """The same of work that changes something."""
        self.changed()
        return await self.read(work)

    def changed(self) -> None:
        """Pages are to look again."""
        self._changes += 1

    async def record(self, work: Callable[[], T]) -> T:
        """Work with a `recorder`, which belongs to this thread."""
        return await self._apart(work)

    def recorder(self, warn: Callable[[str], None]) -> Recorder:
        """For one answer; to be used in `record` only."""
        return Recorder(self._file, warn, writes=self.writes)

    async def version(self) -> str:
        """Another text each time that somebody has changed anything."""
        return f"{await self.read(Shelf.version)}-{self._changes}"

    async def close(self) -> None:
        """Let go of it, when all that was asked is done."""
        await self._apart(self._close)
        self._thread.shutdown(wait=False)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _opened(self) -> Shelf:
        if self._shelf is None:
            self._shelf = Shelf(self._file)
        return self._shelf

    def _close(self) -> None:
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None
