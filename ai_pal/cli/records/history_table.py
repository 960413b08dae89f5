"""Conversations and what is found in them, for people."""

import time
from typing import TYPE_CHECKING

from ai_pal.cli.terminal.neutral import neutral_line

if TYPE_CHECKING:
    from ai_pal.conversations.records import Found, Head


def table_of(heads: "list[Head]") -> str:
    """A line for each; the tags where any has one."""
    from ai_pal.cli.terminal.table import table, terminal_width

    rows: list[tuple[str, ...]] = [
        (str(one.id), when(one.updated), str(one.messages), _who(one), ", ".join(one.tags), one.title)
        for one in heads
    ]
    head: tuple[str, ...] = ("ID", "LAST", "MESSAGES", "MODEL", "TAGS", "TITLE")
    if not any(one.tags for one in heads):
        rows, head = [(*row[:4], row[5]) for row in rows], (*head[:4], head[5])
    return table(
        head, rows, width=terminal_width(), spare=("MESSAGES", "TAGS"), last=("MODEL",), whole=("ID", "LAST")
    )


def _who(head: "Head") -> str:
    """The model that answered last, or the one that was asked for where none has."""
    return head.answered or head.model or "-"


def hit(found: "Found") -> str:
    """Where something was found, and its words."""
    who = "you" if found.role == "user" else "answer"
    snippet = neutral_line(" ".join(plain(found).snippet.split()))
    head = f"{found.head.id}  {when(found.head.updated)}  {found.head.title}"
    return f"{neutral_line(head)}\n    {who}: {snippet}"


def plain(found: "Found") -> "Found":
    """Hits in asterisks, as in Markdown."""
    import msgspec

    from ai_pal.conversations.records import MARKS

    snippet = found.snippet.replace(MARKS[0], "**").replace(MARKS[1], "**")
    return msgspec.structs.replace(found, snippet=snippet)


def when(at: float) -> str:
    """A moment, as it is here."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
