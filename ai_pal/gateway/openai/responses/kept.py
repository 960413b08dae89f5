"""Responses that clients may come back to: the latest ones, for a time, in a file of this user's that all
gateways share. The newest are there after a restart, too."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.asking.privacy_level import PrivacyLevel
from ai_pal.logs import get_logger
from ai_pal.protocol.content import Message
from ai_pal.store.database import explained, open_database, transaction

MOST = 1000
MOST_BYTES = 256 * 1024 * 1024
"""Of all of them, each with all that was said before it."""

SWEEP_SECONDS = 60.0
"""Between two looks for what is too old."""

STEPS = (
    (
        """
        CREATE TABLE responses (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            size INTEGER NOT NULL,
            response BLOB NOT NULL,
            items BLOB NOT NULL,
            turns BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE items (
            id TEXT NOT NULL,
            response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
            item BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX items_id ON items (id)",
        "CREATE INDEX items_response ON items (response)",
    ),
    (
        "ALTER TABLE responses ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE underway (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            at REAL NOT NULL,
            beat REAL NOT NULL,
            over INTEGER NOT NULL DEFAULT 0,
            unwanted INTEGER NOT NULL DEFAULT 0,
            response BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE events (
            response TEXT NOT NULL REFERENCES underway ON DELETE CASCADE,
            number INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (response, number)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE responses ADD COLUMN local_only INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE responses ADD COLUMN mine INTEGER NOT NULL DEFAULT 0",
    ),
    ("ALTER TABLE underway ADD COLUMN items BLOB NOT NULL DEFAULT X'5B5D'",),
)
"""`underway` and `events` are of responses in the background (`underway`)."""

_ADD = (
    "INSERT INTO responses (id, owner, at, size, local_only, mine, response, items, turns) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_TURNS = msgspec.msgpack.Decoder(tuple[Message, ...])

log = get_logger("ai_pal.gateway")


class Response(NamedTuple):
    """One of them: itself, its own input, all turns up to its end, and how far these may go."""

    response: dict[str, Any]
    items: list[dict[str, Any]]
    turns: tuple[Message, ...]
    level: PrivacyLevel = PrivacyLevel()


class Item(NamedTuple):
    """A part of the output of one of them, and how far it may go."""

    item: dict[str, Any]
    level: PrivacyLevel


class Kept:
    """Responses by their ids; what was put there first goes first, and each after `seconds` (0: none is
    kept). Threads share it: large bodies are read in one of their own. Every call may raise `AiPalError` as
    `open_database` does."""

    def __init__(
        self,
        file: Path,
        seconds: float,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._file, self._seconds, self.now = file, seconds, now
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._sweep_at = 0.0

    @property
    def keeps(self) -> bool:
        """Whether anything is kept at all."""
        return self._seconds > 0

    def put(self, response: Response, owner: str = "") -> None:
        """Keep it for its owner, in place of the oldest. Where that cannot be, the log tells: the answer goes
        out."""
        if not self.keeps:
            return
        try:
            with self.opened() as database, transaction(database):
                self._add(database, response, owner)
                self._make_room(database)
        except AiPalError as error:
            log.warning("response_not_kept", code=str(error.code), reason=error.failure.message)

    def get(self, name: str, owner: str = "") -> Response:
        """The response of this id, if it is of this owner. Raises `AiPalError` (`conversation_not_found`)."""
        if not self.keeps:
            _unknown(name)
        with self.opened() as database:
            found = database.execute(
                "SELECT response, items, turns, local_only, mine FROM responses "
                "WHERE id = ? AND owner = ? AND at > ?",
                (name, owner, self.now() - self._seconds),
            ).fetchone()
        if found is None:
            _unknown(name)
        response, items, turns, *level = found
        return Response(
            msgspec.json.decode(response), msgspec.json.decode(items), _TURNS.decode(turns), _level(level)
        )

    def item(self, name: str, owner: str = "") -> Item | None:
        """An item of the output of any of them that is of this owner."""
        if not self.keeps:
            return None
        with self.opened() as database:
            found = database.execute(
                "SELECT item, local_only, mine FROM items JOIN responses ON number = items.response "
                "WHERE items.id = ? AND owner = ? AND at > ?",
                (name, owner, self.now() - self._seconds),
            ).fetchone()
        if found is None:
            return None
        item, *level = found
        return Item(msgspec.json.decode(item, type=dict[str, Any]), _level(level))

    def delete(self, name: str, owner: str = "") -> None:
        """Forget it, and wipe what it leaves in the file. Raises `AiPalError` (`conversation_not_found`)."""
        self.get(name, owner)
        with self.opened() as database:
            database.execute("DELETE FROM responses WHERE id = ?", (name,))
            database.execute("DELETE FROM underway WHERE id = ?", (name,))
            _wipe(database)

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The file, for one thread at a time."""
        with self._lock, explained(self._file):
            if self._database is None:
                self._database = open_database(self._file, steps=STEPS, shared=True)
                # A crash of ours loses nothing; after a power cut the latest may be gone.
                self._database.execute("PRAGMA synchronous = NORMAL")
            if self.now() >= self._sweep_at:
                self._sweep(self._database)
            yield self._database

    def _sweep(self, database: sqlite3.Connection) -> None:
        """Forget what is too old: nobody may ask for it any more."""
        self._sweep_at = self.now() + SWEEP_SECONDS
        since = (self.now() - self._seconds,)
        gone = database.execute("DELETE FROM responses WHERE at <= ?", since).rowcount
        gone += database.execute("DELETE FROM underway WHERE beat <= ?", since).rowcount
        if gone:
            _wipe(database)

    def _add(self, database: sqlite3.Connection, response: Response, owner: str) -> None:
        blobs = (
            msgspec.json.encode(response.response),
            msgspec.json.encode(response.items),
            msgspec.msgpack.encode(response.turns),
        )
        row = (response.response["id"], owner, self.now(), sum(map(len, blobs)), *response.level, *blobs)
        number = database.execute(_ADD, row).lastrowid
        items = ((one["id"], number, msgspec.json.encode(one)) for one in response.response["output"])
        database.executemany("INSERT INTO items (id, response, item) VALUES (?, ?, ?)", items)

    def _make_room(self, database: sqlite3.Connection) -> None:
        while True:
            oldest, count, size = database.execute(
                "SELECT min(number), count(*), coalesce(sum(size), 0) FROM responses"
            ).fetchone()
            if count <= self._most and size <= self._most_bytes:
                return
            database.execute("DELETE FROM responses WHERE number = ?", (oldest,))


def _wipe(database: sqlite3.Connection) -> None:
    """What was deleted stands in the log of writes no more; another gateway that reads puts that off."""
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _level(columns: list[int]) -> PrivacyLevel:
    return PrivacyLevel(*map(bool, columns))


def _unknown(name: str) -> NoReturn:
    message = f"no response {name!r} is kept"
    hint = "the latest are kept, for `http.keep_responses`, unless store is false"
    raise AiPalError(Failure(Code.CONVERSATION_NOT_FOUND, message, hint))
