"""Opens the database: owner-only, safe against crashes, brought up to this version, errors explained."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from ai_pal.errors import FREE_SPACE, FULL, AiPalError, Code, Failure, fail
from ai_pal.store.schema import STEPS

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes."""

CACHE_KIB = 256
"""What a connection keeps of the file in memory: the supervisor writes rows and seldom reads one."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

NEEDED = 128 * 1024
"""Bytes that SQLite wants beside a database that is open."""

MEMORY = ":memory:"

AGAIN_SECONDS = 0.01
"""Between two tries to be the first."""


def open_database(
    file: Path, *, steps: tuple[tuple[str, ...], ...] = STEPS, shared: bool = False
) -> sqlite3.Connection:
    """A connection for the calling thread, or with `shared` for several that take turns; every statement is
    its own transaction unless it stands in `transaction`.

    Raises `AiPalError`: `store_damaged`, `store_newer`, `store_busy`, `disk_full`, `file_unreadable`.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    with explained(file):
        while True:
            try:
                return _opened(file, steps, shared)
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(AGAIN_SECONDS)


def _opened(file: Path, steps: tuple[tuple[str, ...], ...], shared: bool) -> sqlite3.Connection:
    """Two that are the first at once are refused without any waiting: neither has WAL yet."""
    _prepare(file)
    connection = sqlite3.connect(
        file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not shared
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was committed survives a power cut too, not just a crash of ours.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # no text in temporary files
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _migrate(connection, file, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def open_cramped(file: Path) -> sqlite3.Connection:
    """A connection that needs no file beside the database: to read and to delete on a disk that is full.

    Nobody else may have the database open (`store_busy`). A change that a crash breaks off may damage it:
    the price of deleting where there is no room to note what was there. Where there was no room for its
    tables yet it is an empty one in memory: nothing is kept, and can be read."""
    with explained(file):
        connection = sqlite3.connect(
            file if file.exists() else MEMORY, timeout=BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # its index of the log is in memory then
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            if _version(connection) == 0:
                connection.close()
                connection = sqlite3.connect(MEMORY, isolation_level=None)
            _migrate(connection, file, STEPS)
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_read(file: Path) -> sqlite3.Connection:
    """A connection for who only reads, on a disk that is full or read-only too. Raises `AiPalError` as
    `open_database`."""
    try:
        return open_database(file)
    except AiPalError as error:
        if error.code == Code.DISK_FULL:
            return open_cramped(file)
        if not is_read_only(file):
            raise
    return open_read_only(file)


def is_read_only(file: Path) -> bool:
    """Whether there is a database in a folder where nothing can be written."""
    return file.exists() and not os.access(file.parent, os.W_OK)


def open_read_only(file: Path) -> sqlite3.Connection:
    """A connection to a database that nobody can write, as it was left: what stands in a log of writes beside
    it is not seen. Raises `AiPalError`."""
    with explained(file):
        place = f"{file.as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(place, uri=True, isolation_level=None)
        try:
            if _version(connection) < len(STEPS):  # a copy can be brought up to this version
                copy = sqlite3.connect(MEMORY, isolation_level=None)
                connection.backup(copy)
                connection.close()
                connection = copy
            _migrate(connection, file, STEPS)
        except BaseException:
            connection.close()
            raise
    return connection


def look_at(file: Path) -> None:
    """Whether the database could be used; changes nothing in it. Raises `AiPalError` as `open_database`."""
    with (
        explained(file),
        contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as database,
    ):
        (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(said)
        _refuse_newer(_version(database), file, STEPS)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, write: bool = True) -> Iterator[sqlite3.Connection]:
    """All or nothing: committed at the end of the block, rolled back when it raises. Without `write` it is
    one view of the database for several reads."""
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turns what SQLite and the system say about `file` into an `AiPalError`; values that a table does
    not take are a ValueError."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ValueError(str(error)) from error
    except sqlite3.Error as error:
        raise AiPalError(_failure(error, file)) from error
    except OSError as error:
        if error.errno in FULL:
            fail(Code.DISK_FULL, f"{file} cannot be made: the disk is full", FREE_SPACE)
        fail(Code.FILE_UNREADABLE, f"{file} cannot be used: {error.strerror}", "check the folder's owner")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF


def _failure(error: sqlite3.Error, file: Path) -> Failure:
    # The low byte; the rest says in which call. None at all: what a check has found.
    code = _code(error)
    if code in _DAMAGED:
        hint = f"move it away and what it held begins anew: mv {file} {file}.damaged"
        return Failure(Code.STORE_DAMAGED, f"{file} is damaged: {error}", hint)
    if code in _BUSY:
        message = f"{file} is in use by another process for more than {BUSY_SECONDS:g} s"
        return Failure(Code.STORE_BUSY, message, "try again", retryable=True)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(file)):
        return Failure(Code.DISK_FULL, f"{file} cannot grow: the disk is full", FREE_SPACE)
    return Failure(Code.FILE_UNREADABLE, f"{file} cannot be read or written: {error}", "see: ai-pal doctor")


def _is_full(file: Path) -> bool:
    """Whether the disk has no room for what stands beside a database."""
    import shutil

    try:
        return shutil.disk_usage(file.parent).free < NEEDED
    except OSError:
        return False


def _prepare(file: Path) -> None:
    """SQLite gives its -wal and -shm files the mode of the database: so that must be right first."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        # Never opened here: closing it would drop the locks of another connection of this process.
        for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mode & 0o077:
                    path.chmod(0o600)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, file: Path, steps: tuple[tuple[str, ...], ...]) -> None:
    if _version(connection) == len(steps):
        return
    with transaction(connection):
        version = _version(connection)  # again: another process may have been first
        _refuse_newer(version, file, steps)
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")


def _refuse_newer(version: int, file: Path, steps: tuple[tuple[str, ...], ...]) -> None:
    if version > len(steps):
        fail(
            Code.STORE_NEWER,
            f"{file} was written by a newer AI-PAL (version {version} of its tables, not {len(steps)})",
            "update AI-PAL, or set AI_PAL_HOME to another folder",
        )
