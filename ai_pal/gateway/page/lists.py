"""The list of conversations: what is found in it, and what is changed there."""

from typing import Any

import msgspec

from ai_pal.config import paths
from ai_pal.conversations.neutral import neutral_line
from ai_pal.conversations.records import MARKS
from ai_pal.conversations.shelf import Shelf
from ai_pal.conversations.tags import tag_of
from ai_pal.conversations.typed import keep_typed
from ai_pal.gateway.wire.figures import Figure


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /page/change: what is left out stays; `tags` are all that it has; `delete` is for good."""

    conversation: Figure
    title: str | None = None
    pinned: bool | None = None
    tags: list[str] | None = None
    delete: bool = False


def changed(shelf: Shelf, wanted: Change) -> None:
    """Carry it out. Raises `AiPalError`."""
    if wanted.delete:
        shelf.delete(shelf.of_tree(wanted.conversation))
        keep_typed(paths.history_file(), shelf.prompts())
        return
    if wanted.title is not None:
        shelf.rename(wanted.conversation, wanted.title)
    if wanted.pinned is not None:
        shelf.pin(wanted.conversation, pinned=wanted.pinned)
    if wanted.tags is not None:
        before = set(shelf.head(wanted.conversation).tags)
        shelf.tag(wanted.conversation, wanted.tags, before - set(map(tag_of, wanted.tags)))


def found(shelf: Shelf, query: str) -> list[dict[str, Any]]:
    """One line for each conversation: of several hits the best."""
    from ai_pal.gateway.page.turns import head_of

    hits: dict[int, dict[str, Any]] = {}
    words = " ".join(word if word.endswith(('"', "*")) else f"{word}*" for word in query.split())
    for one in shelf.search(words if '"' not in query else query):
        parts = one.snippet.replace(MARKS[1], MARKS[0]).split(MARKS[0])
        snippet = [neutral_line(" ".join(part.split()) if part.strip() else " ") for part in parts]
        hits.setdefault(one.head.id, {**head_of(one.head), "snippet": snippet})
    return list(hits.values())
