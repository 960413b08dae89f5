"""Conversations as a list that people tidy: all branches of one are an entry, renamed and deleted whole."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ai_pal.conversations.records import Head
from ai_pal.conversations.store import TAGGED, Conversations
from ai_pal.conversations.tags import joined, parted, tag_of, tags_of
from ai_pal.store.database import explained, transaction

# Beside its one max() SQLite gives the columns of that very row.
_TREES = f"""
    SELECT id, max(updated) FROM conversations WHERE {TAGGED}
    GROUP BY CASE root WHEN 0 THEN id ELSE root END
    ORDER BY pinned DESC, max(updated) DESC, id DESC LIMIT :limit
"""  # noqa: S608
_TREE = "(conversations.root = :tree OR conversations.id = :tree)"
_SAID = f"""
    SELECT conversations.id, updated, messages.content FROM conversations
    JOIN messages ON messages.conversation = conversations.id
    WHERE {_TREE} ORDER BY conversations.id, messages.id
"""  # noqa: S608


class Branch(NamedTuple):
    """One way that a conversation went: its number, when it was last spoken in, and what was said."""

    number: int
    updated: float
    said: tuple[tuple[str, str], ...]


class Shelf(Conversations):
    """The same conversations, as a page lists them."""

    def trees(self, limit: int = -1, tag: str = "") -> list[Head]:
        """One of each tree, the branch that was last spoken in; pinned ones first. With a `tag` those that
        have it."""
        with explained(self._file), transaction(self._connection, write=False) as connection:
            numbers = [row[0] for row in connection.execute(_TREES, {"limit": limit, "tag": tag})]
            return [self._head(number) for number in numbers]

    def branches(self, conversation: int) -> list[Branch]:
        """All branches of its tree, itself among them, in the order in which they began."""
        with explained(self._file), transaction(self._connection, write=False) as connection:
            tree = self._head(conversation).tree
            found: dict[int, tuple[float, list[str]]] = {}
            for number, updated, content in connection.execute(_SAID, {"tree": tree}):
                found.setdefault(number, (updated, []))[1].append(content)
        return [
            Branch(number, updated, tuple(zip(said[::2], said[1::2], strict=False)))
            for number, (updated, said) in found.items()
        ]

    def rename(self, conversation: int, title: str) -> None:
        """Give all of its tree this name."""
        self._set(conversation, "title", title)

    def pin(self, conversation: int, *, pinned: bool) -> None:
        """Have its tree stand before all that is not pinned, or no longer."""
        self._set(conversation, "pinned", pinned)

    def tag(self, conversation: int, add: Iterable[str] = (), drop: Iterable[str] = ()) -> tuple[str, ...]:
        """Give all of its tree these tags, take those off; the tags that it has then. Raises `AiPalError`."""
        kept = {*self.head(conversation).tags, *map(tag_of, add)}
        tags = tags_of(kept - set(map(tag_of, drop)))
        self._set(conversation, "tags", joined(tags))
        return tags

    def tags(self) -> list[str]:
        """All tags that any conversation has."""
        with explained(self._file):
            rows = self._connection.execute("SELECT DISTINCT tags FROM conversations WHERE tags <> ''")
            return sorted({tag for (text,) in rows for tag in parted(text)})

    def of_tree(self, conversation: int) -> list[int]:
        """The numbers of its tree: what is deleted with it."""
        with explained(self._file), transaction(self._connection, write=False) as connection:
            tree = self._head(conversation).tree
            rows = connection.execute(f"SELECT id FROM conversations WHERE {_TREE}", {"tree": tree})  # noqa: S608
            return [number for (number,) in rows]

    def version(self) -> int:
        """Another number each time that another connection has changed anything."""
        with explained(self._file):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _set(self, conversation: int, column: str, value: object) -> None:
        self._database.refuse_if_cramped()
        with explained(self._file), transaction(self._connection) as connection:
            tree = self._head(conversation).tree
            change = f"UPDATE conversations SET {column} = :value WHERE {_TREE}"  # noqa: S608
            connection.execute(change, {"value": value, "tree": tree})


class Variant(NamedTuple):
    """Of a turn: which one of how many this is, from 1, and where the one before and the one behind it are
    found; 0 for nowhere."""

    place: int
    of: int
    before: int
    behind: int


def variants(branches: Sequence[Branch], conversation: int) -> dict[int, Variant]:
    """The turns of this conversation that were asked or answered otherwise too, by their places from 0. Of
    a variant that several branches share, the one is meant that was last spoken in. Pure."""
    mine = next((one.said for one in branches if one.number == conversation), ())
    found: dict[int, Variant] = {}
    alike = list(branches)
    for at, turn in enumerate(mine):
        alike = [one for one in alike if len(one.said) > at]
        latest: dict[tuple[str, str], Branch] = {}
        for one in alike:
            known = latest.get(one.said[at])
            if known is None or one.updated > known.updated:
                latest[one.said[at]] = one
        if len(latest) > 1:
            place = list(latest).index(turn)
            numbers = [0, *(one.number for one in latest.values()), 0]
            found[at] = Variant(place + 1, len(latest), numbers[place], numbers[place + 2])
        alike = [one for one in alike if one.said[at] == turn]
        if len(alike) < 2:
            break
    return found
