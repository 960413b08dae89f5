"""Conversations in the user's database: kept as they are held, searched, and deleted without a trace."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from ai_pal.conversations import attachments
from ai_pal.conversations.erasable import ErasableDatabase
from ai_pal.conversations.prefixes import PrefixFolders
from ai_pal.conversations.records import (
    COLUMNS,
    Found,
    Head,
    Kept,
    Message,
    head_of,
    message_of,
    row_of,
    storable,
)
from ai_pal.conversations.tags import joined
from ai_pal.errors import Code, fail, fail_to_write
from ai_pal.store.database import explained, transaction

TITLE_LENGTH = 80
_HEAD = """
    SELECT id, title, created, updated, model, local_only,
        (SELECT count(*) FROM messages WHERE conversation = conversations.id) AS messages,
        coalesce((SELECT CASE WHEN tier > 1 THEN provider || ':' || model ELSE model END FROM messages
            WHERE conversation = conversations.id AND model <> '' ORDER BY id DESC LIMIT 1), '') AS answered,
        pinned, CASE root WHEN 0 THEN id ELSE root END AS tree, tags, mine
    FROM conversations
"""
_MESSAGES = f"SELECT id, {', '.join(COLUMNS)} FROM messages WHERE conversation = ? ORDER BY id"  # noqa: S608
_INSERT = (
    f"INSERT INTO messages (conversation, {', '.join(COLUMNS)}) "  # noqa: S608
    f"VALUES (?, {', '.join('?' * len(COLUMNS))})"
)
_BEGIN = """
    INSERT INTO conversations
        (title, created, updated, model, system, local_only, mark, root, pinned, tags, mine)
    VALUES (:title, :now, :now, :model, :system, :local_only, :mark, :root, :pinned, :tags, :mine)
"""
_TOUCH = """
    UPDATE conversations SET updated = ?, local_only = local_only OR ?, mine = mine OR ?, mark = ?
    WHERE id = ?
"""
_CUT = """
    DELETE FROM messages WHERE conversation = :id AND id NOT IN
        (SELECT id FROM messages WHERE conversation = :id ORDER BY id LIMIT :keep)
"""
TAGGED = "(:tag = '' OR instr(char(10) || tags || char(10), char(10) || :tag || char(10)))"
"""Which conversations have this tag; all where it is empty."""

_SEARCH = f"""
    SELECT messages.conversation, messages.role, snippet(words, 0, char(2), char(3), '…', 16)
    FROM words JOIN messages ON messages.id = words.rowid
    JOIN conversations ON conversations.id = messages.conversation
    WHERE words MATCH :match AND {TAGGED} ORDER BY words.rank, messages.id DESC LIMIT :limit
"""  # noqa: S608


class Conversations:
    """The conversations of this user. Every call may raise `AiPalError` (`store_damaged`, `disk_full`, ...);
    an unknown id is `conversation_not_found`."""

    def __init__(self, file: Path) -> None:
        self._file, self._prefixes = file, PrefixFolders(file)
        self._database = ErasableDatabase(file)

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._database.connection  # another one, once the disk is full

    def close(self) -> None:
        self._database.close()

    def begin(
        self,
        title: str,
        messages: Iterable[Message],
        *,
        now: float,
        model: str = "",
        system: str | None = None,
        local_only: bool = False,
        mine: bool = False,
        mark: str = "",
        branch_of: int | None = None,
    ) -> int:
        """Keep a new conversation; returns its id. Only the first line of `title` is used; `mark` names the
        folder for what models have read of it, which goes with it; `branch_of` is the one that it comes
        from. When it returns the messages survive a crash and a power cut."""
        first = title.strip().partition("\n")[0].strip()
        title = first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"
        self._database.refuse_if_cramped()
        row = {"now": now, "model": model, "system": system and storable(system)}
        row |= {"local_only": local_only, "mine": mine}
        with explained(self._file), transaction(self._connection) as connection:
            origin = None if branch_of is None else self._head(branch_of)
            of_tree = {"title": storable(title), "root": 0, "pinned": False, "tags": ""}
            if origin is not None:
                of_tree = {"title": origin.title, "root": origin.tree, "pinned": origin.pinned}
                of_tree["tags"] = joined(origin.tags)
            number = connection.execute(_BEGIN, {**row, "mark": mark, **of_tree}).lastrowid
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
        mine: bool = False,
        mark: str = "",
        since: float | None = None,
    ) -> bool:
        """Replace all messages after the first `after` with these. When it returns True they survive a crash
        and a power cut; False, and nothing is changed, where there are not `expected` messages by now, or
        others than when it was last `updated` (`since`): somebody else has gone on with it. Once
        local-only, or for the user's machines alone, it stays so."""
        self._database.refuse_if_cramped()
        with explained(self._file), transaction(self._connection) as connection:
            head = self._head(conversation)
            if head.messages != expected or since not in (None, head.updated):
                return False
            connection.execute(_TOUCH, (now, local_only, mine, mark, conversation))
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

    def heads(self, limit: int = -1, tag: str = "") -> list[Head]:
        """The conversations, last spoken in first; at most `limit`, -1 for all, and those with this tag."""
        query = f"{_HEAD} WHERE {TAGGED} ORDER BY updated DESC, id DESC LIMIT :limit"
        with explained(self._file):
            rows = self._connection.execute(query, {"tag": tag, "limit": limit})
            return [head_of(row) for row in rows]

    def show(self, conversation: int, *, data: bool = True) -> Kept:
        """One conversation with all its messages; without `data` its files are there without their bytes."""
        with explained(self._file), transaction(self._connection, write=False) as connection:
            head = self._head(conversation)
            system = connection.execute(
                "SELECT system FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()[0]
            rows = connection.execute(_MESSAGES, (conversation,)).fetchall()
            files = attachments.by_message(connection, conversation, data=data)
        messages = [message_of(row, files.get(number, ())) for number, *row in rows]
        return Kept(head=head, system=system, messages=messages)

    def search(self, query: str, limit: int = 50, tag: str = "") -> list[Found]:
        """The messages that hold all words of `query`, best first: `"a phrase"` is found as such, `be*`
        finds what begins so; case and accents do not matter. With a `tag` only conversations that have it."""
        if not (match := fts_query(query)):
            return []
        with explained(self._file), transaction(self._connection, write=False) as connection:
            said = {"match": match, "limit": limit, "tag": tag}
            rows = connection.execute(_SEARCH, said).fetchall()
            heads = {id_: self._head(id_) for id_ in {row[0] for row in rows}}
        return [Found(head=heads[id_], role=role, snippet=snippet) for id_, role, snippet in rows]

    def head(self, conversation: int) -> Head:
        """What the list tells of this conversation."""
        with explained(self._file):
            return self._head(conversation)

    def mark(self, conversation: int) -> str:
        """The name of its folder for what models have read of it; empty where it has none yet."""
        with explained(self._file):
            row = self._connection.execute(
                "SELECT mark FROM conversations WHERE id = ?", (conversation,)
            ).fetchone()
        return str(row[0]) if row else _unknown(conversation)

    def prompts(self) -> set[str]:
        """What users have said in all conversations."""
        with explained(self._file):
            rows = self._connection.execute("SELECT content FROM messages WHERE role = 'user'")
            return {content for (content,) in rows}

    def delete(self, conversations: Sequence[int]) -> None:
        """Delete these, all or none, and wipe what they leave in the file; on a full disk, too, where nobody
        else has the database open. What models have read of them goes first: were it to stay behind, nobody
        would know whose it is."""
        for mark in [self.mark(conversation) for conversation in conversations]:
            self._remove(partial(self._prefixes.remove, mark))

        def delete(connection: sqlite3.Connection) -> None:
            for conversation in conversations:
                found = connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))
                if not found.rowcount:
                    _unknown(conversation)

        self._database.change_and_wipe(delete)

    def delete_all(self) -> int:
        """Delete all and wipe what they leave in the file; returns how many there were."""
        with explained(self._file):
            (count,) = self._connection.execute("SELECT count(*) FROM conversations").fetchone()
        self._remove(self._prefixes.remove_all)

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM conversations")

        self._database.change_and_wipe(delete)
        return int(count)

    def wipe(self) -> None:
        """Leave no byte of deleted text: not in the index of words, in free pages, in the log of writes, or
        in what models have read of conversations that nobody has any more.

        FTS5's own option `secure-delete` would do for the index, but lock out SQLite before 3.42."""
        self._database.change_and_wipe(lambda connection: None)
        self.sweep()

    def sweep(self) -> None:
        """Remove what models have read of conversations that were never kept: their chat was killed."""
        with explained(self._file):
            known = {mark for (mark,) in self._connection.execute("SELECT mark FROM conversations")}
        self._remove(lambda: self._prefixes.sweep(known))

    def _remove(self, removal: Callable[[], None]) -> None:
        try:
            removal()
        except OSError as error:
            fail_to_write(error.filename or self._file.parent, error, "remove it, and try again")

    def _head(self, conversation: int) -> Head:
        row = self._connection.execute(f"{_HEAD} WHERE id = ?", (conversation,)).fetchone()
        return head_of(row) if row else _unknown(conversation)


def fts_query(query: str) -> str:
    """`query` in FTS5's language, in which hardly a character is harmless: every word is quoted."""
    terms = []
    for at, part in enumerate(query.replace("\x00", " ").split('"')):
        words = [part] if at % 2 else part.split()
        for word in words:
            if bare := word.strip().rstrip("*"):
                prefix = "*" if word.endswith("*") else ""
                terms.append(f'"{bare}"{prefix}')
    return storable(" ".join(terms))


def _insert(connection: sqlite3.Connection, conversation: int, messages: Iterable[Message]) -> None:
    for message in messages:
        number = connection.execute(_INSERT, (conversation, *row_of(message))).lastrowid
        assert number is not None
        attachments.insert(connection, number, message.attachments)


def _unknown(conversation: int) -> NoReturn:
    fail(Code.CONVERSATION_NOT_FOUND, f"there is no conversation {conversation}", "see: ai-pal history list")
