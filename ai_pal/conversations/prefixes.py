"""Folders for what models have read of kept conversations: one for each, under its mark. A worker writes only
into a folder that is there: what was deleted stays deleted, whoever still has it in memory."""

import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ai_pal.config.paths import make_private

FOLDER = "prefixes"
ORPHAN_SECONDS = 86_400.0
"""A conversation is kept when its first answer has ended. Its folder is older; one that is as old as this and
still nobody's was left by a chat that was killed."""
GONE = ".gone-"
TRIES = 5


def new_mark() -> str:
    """A name that says nothing and is nobody else's."""
    return os.urandom(16).hex()


class PrefixFolders:
    """Those beside this database of conversations."""

    def __init__(self, store: Path) -> None:
        self._root = store.with_name(FOLDER)

    def make(self, mark: str) -> None:
        """The conversation is kept, or will be. Raises `AiPalError`, OSError."""
        make_private(self._root)
        (self._root / mark).mkdir(mode=0o700, exist_ok=True)

    def remove(self, mark: str) -> None:
        """Remove all that was saved of a conversation, and that ever will be. Raises OSError."""
        if mark:
            self._remove(self._root / mark)

    def remove_all(self) -> None:
        """The same of every conversation. Raises OSError."""
        for name in self._names():
            self._remove(self._root / name)

    def sweep(self, known: Collection[str]) -> None:
        """Remove what belongs to no known conversation. Raises OSError."""
        for name in self._names():
            broke_off = name.startswith(GONE)
            if broke_off or (name not in known and self._age(name) > ORPHAN_SECONDS):
                self._remove(self._root / name)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._root)
        except FileNotFoundError:
            return []

    def _age(self, name: str) -> float:
        try:
            return time.time() - (self._root / name).lstat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _remove(self, folder: Path) -> None:
        """First out of the way of workers: what they begin to write by its name then has no place."""
        aside = folder.with_name(f"{GONE}{new_mark()}")
        with suppress(FileNotFoundError):
            folder.rename(aside)
        for left in reversed(range(TRIES)):
            try:
                shutil.rmtree(aside)
            except FileNotFoundError:
                return
            except NotADirectoryError:
                aside.unlink()
            except OSError:
                if not left:
                    raise
