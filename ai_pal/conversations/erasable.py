"""A database of which nothing that was deleted stays in the file, on a full disk too."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from ai_pal.errors import FREE_SPACE, AiPalError, Code, fail
from ai_pal.store.database import (
    explained,
    is_read_only,
    open_cramped,
    open_database,
    open_read_only,
    transaction,
)


class ErasableDatabase:
    """Owns the connection. On a disk that is full it is one that can read and delete, on one that is
    read-only it can read. Raises `AiPalError` as `store.database.open_database`."""

    def __init__(self, file: Path) -> None:
        self.file, self._cramped, self._read_only = file, False, False
        try:
            self.connection = open_database(file)
        except AiPalError as error:
            self._cramped, self._read_only = error.code == Code.DISK_FULL, is_read_only(file)
            if not (self._cramped or self._read_only):
                raise
            self.connection = open_cramped(file) if self._cramped else open_read_only(file)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def refuse_if_cramped(self) -> None:
        """Raises `AiPalError` (`disk_full`, `file_unreadable`) where nothing can be added."""
        if self._cramped:
            fail(Code.DISK_FULL, f"{self.file} cannot grow: the disk is full", FREE_SPACE)
        self._refuse_if_read_only()

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            message = f"{self.file} cannot be changed: its folder is read-only"
            fail(Code.FILE_UNREADABLE, message, "make it writable, or set AI_PAL_HOME to another folder")

    def change_and_wipe(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Change it, and wipe what that leaves in the file; in the way that needs no room where there is
        none. Raises `AiPalError` (`disk_full`, `store_busy`)."""
        self._refuse_if_read_only()
        changed = False
        if not self._cramped:
            try:
                with explained(self.file), transaction(self.connection) as connection:
                    change(connection)
                changed = True
                self._wipe()
                return
            except AiPalError as error:
                if error.code != Code.DISK_FULL:
                    raise
            self._become_cramped()
        with explained(self.file):
            with transaction(self.connection) as connection:
                if not changed:
                    change(connection)
                # An index made anew needs less room than one that is merged.
                connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
            self.connection.execute("VACUUM")

    def _become_cramped(self) -> None:
        """Raises `AiPalError` (`disk_full`) where others have the database open."""
        self.connection.close()
        try:
            self.connection = open_cramped(self.file)
        except AiPalError as error:
            if error.code != Code.STORE_BUSY:
                raise
            message = f"the disk of {self.file} is full, and another process has the file open"
            fail(Code.DISK_FULL, message, "end the supervisor first, which has it: ai-pal stop --wait")
        self._cramped = True

    def _wipe(self) -> None:
        with explained(self.file):
            self.connection.execute("INSERT INTO words (words) VALUES ('optimize')")
            # Written anew, no page keeps what once stood in it, and the disk gets its space back.
            self.connection.execute("VACUUM")
            busy, *_ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            message = f"{self.file}-wal still holds what was deleted: another process reads it"
            fail(Code.STORE_BUSY, message, "when that has ended: ai-pal history wipe", retryable=True)
