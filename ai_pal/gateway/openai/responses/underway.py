"""Responses in the background as all gateways of a user see them, in the file of those that are kept: how far
each is, its events, and whether somebody wants it stopped. What a process writes here the others read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from ai_pal.errors import Code, Failure, fail
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.store.database import transaction

MOST = 64
"""Of those that are under way, and of those whose events can still be followed."""

LOST = 30.0
"""Seconds without a word of the process that answers after which it has ended."""

ENDED = Failure(Code.STREAM_BROKEN, "the process that answered has ended", "ask again", retryable=True)


class State(NamedTuple):
    """How one stands. Not `over` and not `lives`: nobody will end it. `told`: all its events are written."""

    response: dict[str, Any]
    over: bool
    lives: bool
    told: bool


class News(NamedTuple):
    """What is new of one: how it stands, and its events from number `first` on."""

    name: str
    response: dict[str, Any]
    first: int
    events: Sequence[bytes]
    over: bool


class Underway:
    """Every call may raise `AiPalError` as `open_database` does."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def begin(
        self, name: str, owner: str, response: dict[str, Any], items: Sequence[dict[str, Any]] = ()
    ) -> None:
        """One more, with its own input. Raises `AiPalError` (`overloaded`): there are too many."""
        now = self._kept.now()
        with self._kept.opened() as database, transaction(database):
            (open_,) = database.execute(
                "SELECT count(*) FROM underway WHERE NOT over AND beat > ?", (now - LOST,)
            ).fetchone()
            if open_ >= MOST:
                fail(
                    Code.OVERLOADED,
                    f"{MOST} responses are under way in the background",
                    "wait for one of them",
                )
            database.execute(
                "DELETE FROM underway WHERE (over OR beat <= ?) AND id NOT IN "
                "(SELECT id FROM underway ORDER BY at DESC LIMIT ?)",
                (now - LOST, MOST - 1),
            )
            database.execute(
                "INSERT INTO underway (id, owner, at, beat, response, items) VALUES (?, ?, ?, ?, ?, ?)",
                (name, owner, now, now, msgspec.json.encode(response), msgspec.json.encode(list(items))),
            )

    def tell(self, news: Sequence[News]) -> None:
        """Write down what is new of those that this process answers."""
        with self._kept.opened() as database, transaction(database):
            for one in news:
                changed = database.execute(
                    "UPDATE underway SET response = ?, over = ?, beat = ?, "
                    "items = iif(?, X'5B5D', items) WHERE id = ?",
                    (msgspec.json.encode(one.response), one.over, self._kept.now(), one.over, one.name),
                )
                if changed.rowcount:
                    rows = ((one.name, one.first + n, event) for n, event in enumerate(one.events))
                    database.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)

    def unwanted(self) -> set[str]:
        """Those that somebody wants stopped."""
        with self._kept.opened() as database:
            found = database.execute("SELECT id FROM underway WHERE unwanted AND NOT over").fetchall()
        return {name for (name,) in found}

    def unwant(self, name: str) -> None:
        """Whoever answers it is to stop."""
        with self._kept.opened() as database:
            database.execute("UPDATE underway SET unwanted = 1 WHERE id = ?", (name,))

    def state(self, name: str, owner: str) -> State | None:
        """How this one of the owner's stands, by what was written last."""
        if not self._kept.keeps:
            return None
        with self._kept.opened() as database:
            found = database.execute(
                "SELECT coalesce(kept.response, underway.response), kept.id IS NOT NULL, over, beat "
                "FROM underway LEFT JOIN responses AS kept ON kept.id = underway.id "
                "WHERE underway.id = ? AND underway.owner = ?",
                (name, owner),
            ).fetchone()
        if found is None:
            return None
        response, kept, told, beat = found
        lives = beat > self._kept.now() - LOST
        return State(msgspec.json.decode(response), bool(kept or told), lives, bool(told))

    def items(self, name: str, owner: str) -> list[dict[str, Any]] | None:
        """The input of this one of the owner's, while it is under way: then it is kept with the response."""
        if not self._kept.keeps:
            return None
        with self._kept.opened() as database:
            found = database.execute(
                "SELECT items FROM underway WHERE id = ? AND owner = ? AND NOT over", (name, owner)
            ).fetchone()
        return None if found is None else msgspec.json.decode(found[0], type=list[dict[str, Any]])

    def events(self, name: str, first: int) -> list[bytes]:
        """Its events from this number on, as far as they are written down."""
        with self._kept.opened() as database:
            found = database.execute(
                "SELECT data FROM events WHERE response = ? AND number >= ? ORDER BY number", (name, first)
            ).fetchall()
        return [data for (data,) in found]
