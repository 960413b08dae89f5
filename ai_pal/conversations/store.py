"""Conversations in the user's database: kept as they are held, searched, and deleted without a trace."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from ai_pal.conversations import attachments
from ai_pal.conversations.model import Attachment
from ai_pal.errors import FREE_SPACE, AiPalError, Code, fail
from ai_pal.protocol.content import Reasoning, Role, ToolCall
from ai_pal.store.database import explained, open_cramped, open_database, transaction

TITLE_LENGTH = 80
MARKS = ("\x02", "\x03")
"""What stands before and after each hit in a snippet."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it is kept. `at` is in seconds since 1970 (UTC). The rest tells who answered;
    `interrupted`: the answer is only its beginning; `stands_for` is the model in whose place it was given.
    `attachments` went with a prompt; `beside` is what an answer has besides its text."""

    role: Role
    content: str
    at: float
    tier: int = 0
    provider: str = ""
    model: str = ""
    remote: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    interrupted: bool = False
    stands_for: str = ""
    attachments: tuple[Attachment, ...] = ()
    beside: tuple[Reasoning | ToolCall, ...] = ()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation without its messages. `model` is the one that was asked for, empty for whichever
    fits; `local_only` goes on when the conversation does. `answered` is who gave the last answer, a cloud's
    model as `openai:gpt-4`; empty before there is one."""

    id: int
    title: str
    created: float
    updated: float
    model: str
    local_only: bool
    messages: int
    answered: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A whole conversation."""

    head: Head
    system: str | None
    messages: list[Message]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A message that matches a search; in `snippet` the hits stand between `MARKS`."""

    head: Head
    role: Role
    snippet: str


_HEAD = """
    SELECT id, title, created, updated, model, local_only,
        (SELECT count(*) FROM messages WHERE conversation = conversations.id) AS messages,
        coalesce((SELECT CASE WHEN tier > 1 THEN provider || ':' || model ELSE model END FROM messages
            WHERE conversation = conversations.id AND model <> '' ORDER BY id DESC LIMIT 1), '') AS answered
    FROM conversations
"""
_COLUMNS = tuple(name for name in Message.__struct_fields__ if name != "attachments")
_MESSAGES = f"SELECT id, {', '.join(_COLUMNS)} FROM messages WHERE conversation = ? ORDER BY id"  # noqa: S608
_INSERT = (
    f"INSERT INTO messages (conversation, {', '.join(_COLUMNS)}) "  # noqa: S608
    f"VALUES (?, {', '.join('?' * len(_COLUMNS))})"
)
_BEGIN = """
    INSERT INTO conversations (title, created, updated, model, system, local_only) VALUES (?, ?, ?, ?, ?, ?)
"""
_TOUCH = "UPDATE conversations SET updated = ?, local_only = local_only OR ? WHERE id = ?"
_CUT = """
    DELETE FROM messages WHERE conversation = :id AND id NOT IN
        (SELECT id FROM messages WHERE conversation = :id ORDER BY id LIMIT :keep)
"""
_SEARCH = """
    SELECT messages.conversation, messages.role, snippet(words, 0, char(2), char(3), '…', 16)
    FROM words JOIN messages ON messages.id = words.rowid
    WHERE words MATCH ? ORDER BY words.rank, messages.id DESC LIMIT ?
"""


class Conversations:
    """The conversations of this user. Every call may raise `AiPalError` (`store_damaged`, `disk_full`, ...);
    an unknown id is `conversation_not_found`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cramped = False
        try:
            self._connection = open_database(file)
        except AiPalError as error:
            if error.code != Code.DISK_FULL:
                raise
            self._connection = open_cramped(file)
            self._cramped = True

    def close(self) -> None:
        self._connection.close()

    def begin(
        self,
        title: str,
        messages: Iterable[Message],
        *,
        now: float,
        model: str = "",
        system: str | None = None,
        local_only: bool = False,
    ) -> int:
        """Keep a new conversation; returns its id. Only the first line of `title` is used. When it returns
        the messages survive a crash and a power cut."""
        first = title.strip().partition("\n")[0].strip()
        title = first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"
        self._refuse_if_cramped()
        row = (_storable(title), now, now, model, system and _storable(system), local_only)
        with explained(self._file), transaction(self._connection) as connection:
            number = connection.execute(_BEGIN, row).lastrowid
            assert number is not None
            _insert(connection, number, messages)
        return number

    def keep(
        self,
        conversation: int,
        messages: Iterable[Message],
        *,
        after: int,
        expected: int,
        now: float,
        local_only: bool = False,
    ) -> bool:
        """Replace all messages after the first `after` with these. When it returns True they survive a crash
        and a power cut; False, and nothing is changed, where there are not `expected` messages by now:
        somebody else has gone on with it. Once local-only, it stays so."""
        self._refuse_if_cramped()
        with explained(self._file), transaction(self._connection) as connection:
            if self._head(conversation).messages != expected:
                return False
            connection.execute(_TOUCH, (now, local_only, conversation))
            connection.execute(_CUT, {"id": conversation, "keep": after})
            _insert(connection, conversation, messages)
        return True

    def latest(self) -> int | None:
        """The id of the conversation that was last spoken in."""
        with explained(self._file):
            row = self._connection.execute(
                "SELECT id FROM conversations ORDER BY updated DESC, id DESC LIMIT 1"
            ).fetchone()
        return row[0] if row else None

    def heads(self, limit: int = -1) -> list[Head]:
        """The conversations, last spoken in first; at most `limit`, -1 for all."""
        with explained(self._file):
            rows = self._connection.execute(f"{_HEAD} ORDER BY updated DESC, id DESC LIMIT ?", (limit,))
            return [_head(row) for row in rows]

    def show(self, conversation: int) -> Kept:
        """One conversation with all its messages."""
        with explained(self._file), transaction(self._connection, write=False) as connection:
            head = self._head(conversation)
            system = connection.execute(
                "SELECT system FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()[0]
            rows = connection.execute(_MESSAGES, (conversation,)).fetchall()
            files = attachments.by_message(connection, conversation)
        messages = [_message(row, files.get(number, ())) for number, *row in rows]
        return Kept(head=head, system=system, messages=messages)

    def search(self, query: str, limit: int = 50) -> list[Found]:
        """The messages that hold all words of `query`, best first: `"a phrase"` is found as such, `be*`
        finds what begins so; case and accents do not matter."""
        if not (match := fts_query(query)):
            return []
        with explained(self._file), transaction(self._connection, write=False) as connection:
            rows = connection.execute(_SEARCH, (match, limit)).fetchall()
            heads = {id_: self._head(id_) for id_ in {row[0] for row in rows}}
        return [Found(head=heads[id_], role=role, snippet=snippet) for id_, role, snippet in rows]

    def head(self, conversation: int) -> Head:
        """What the list tells of this conversation."""
        with explained(self._file):
            return self._head(conversation)

    def prompts(self) -> set[str]:
        """What users have said in all conversations."""
        with explained(self._file):
            rows = self._connection.execute("SELECT content FROM messages WHERE role = 'user'")
            return {content for (content,) in rows}

    def delete(self, conversations: Sequence[int]) -> None:
        """Delete these, all or none, and wipe what they leave in the file; on a full disk, too, where nobody
        else has the database open."""

        def delete(connection: sqlite3.Connection) -> None:
            for conversation in conversations:
                found = connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))
                if not found.rowcount:
                    _unknown(conversation)

        self._change_and_wipe(delete)

    def delete_all(self) -> int:
        """Delete all and wipe what they leave in the file; returns how many there were."""
        with explained(self._file):
            (count,) = self._connection.execute("SELECT count(*) FROM conversations").fetchone()

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM conversations")

        self._change_and_wipe(delete)
        return int(count)

    def wipe(self) -> None:
        """Leave no byte of deleted text: not in the index of words, in free pages, or in the log of writes.

        FTS5's own option `secure-delete` would do for the index, but lock out SQLite before 3.42."""
        self._change_and_wipe(lambda connection: None)

    def _change_and_wipe(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Where there is no room for it, in the way that needs none."""
        changed = False
        if not self._cramped:
            try:
                with explained(self._file), transaction(self._connection) as connection:
                    change(connection)
                changed = True
                self._wipe()
                return
            except AiPalError as error:
                if error.code != Code.DISK_FULL:
                    raise
            self._become_cramped()
        with explained(self._file):
            with transaction(self._connection) as connection:
                if not changed:
                    change(connection)
                # An index made anew needs less room than one that is merged.
                connection.execute("INSERT INTO words (words) VALUES ('rebuild')")
            self._connection.execute("VACUUM")

    def _become_cramped(self) -> None:
        """Raises `AiPalError` (`disk_full`) where others have the database open."""
        self._connection.close()
        try:
            self._connection = open_cramped(self._file)
        except AiPalError as error:
            if error.code != Code.STORE_BUSY:
                raise
            message = f"the disk of {self._file} is full, and another process has the file open"
            fail(Code.DISK_FULL, message, "end the supervisor first, which has it: ai-pal stop --wait")
        self._cramped = True

    def _refuse_if_cramped(self) -> None:
        if self._cramped:
            fail(Code.DISK_FULL, f"{self._file} cannot grow: the disk is full", FREE_SPACE)

    def _wipe(self) -> None:
        with explained(self._file):
            self._connection.execute("INSERT INTO words (words) VALUES ('optimize')")
            # Written anew, no page keeps what once stood in it, and the disk gets its space back.
            self._connection.execute("VACUUM")
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            message = f"{self._file}-wal still holds what was deleted: another process reads it"
            fail(Code.STORE_BUSY, message, "when that has ended: ai-pal history wipe", retryable=True)

    def _head(self, conversation: int) -> Head:
        row = self._connection.execute(f"{_HEAD} WHERE id = ?", (conversation,)).fetchone()
        return _head(row) if row else _unknown(conversation)


def fts_query(query: str) -> str:
    """`query` in FTS5's language, in which hardly a character is harmless: every word is quoted."""
    terms = []
    for at, part in enumerate(query.replace("\x00", " ").split('"')):
        words = [part] if at % 2 else part.split()
        for word in words:
            if bare := word.strip().rstrip("*"):
                prefix = "*" if word.endswith("*") else ""
                terms.append(f'"{bare}"{prefix}')
    return _storable(" ".join(terms))


def _insert(connection: sqlite3.Connection, conversation: int, messages: Iterable[Message]) -> None:
    for message in messages:
        number = connection.execute(_INSERT, (conversation, *_row(message))).lastrowid
        assert number is not None
        attachments.insert(connection, number, message.attachments)


def _row(message: Message) -> tuple[object, ...]:
    beside = msgspec.json.encode(message.beside).decode() if message.beside else ""
    said = {name: getattr(message, name) for name in _COLUMNS} | {"beside": beside}
    return tuple(_storable(value) if isinstance(value, str) else value for value in said.values())


def _storable(text: str) -> str:
    """Half a surrogate pair can come from a terminal; SQLite takes UTF-8 only."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _head(row: Sequence[object]) -> Head:
    names = ("id", "title", "created", "updated", "model", "local_only", "messages", "answered")
    return msgspec.convert(dict(zip(names, row, strict=True)), Head, strict=False)


def _message(row: Sequence[object], files: Sequence[Attachment]) -> Message:
    found = dict(zip(_COLUMNS, row, strict=True))
    beside = msgspec.json.decode(str(found.pop("beside")) or "[]", type=tuple[Reasoning | ToolCall, ...])
    message = msgspec.convert(found, Message, strict=False)
    return msgspec.structs.replace(message, beside=beside, attachments=tuple(files))


def _unknown(conversation: int) -> NoReturn:
    fail(Code.CONVERSATION_NOT_FOUND, f"there is no conversation {conversation}", "see: ai-pal history list")
