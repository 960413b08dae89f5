"""Conversations and messages as they are kept, and as rows of the database. Pure."""

from collections.abc import Sequence

import msgspec

from ai_pal.conversations.model import Attachment, Figures
from ai_pal.conversations.tags import parted
from ai_pal.protocol.content import Reasoning, Role, ToolCall

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
    figures: Figures = Figures()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation without its messages. `model` is the one that was asked for, empty for whichever
    fits; `local_only` and `mine` go on when the conversation does. `answered` is who gave the last answer, a
    cloud's model as `openai:gpt-4`; empty before there is one. `tree` is what it has in common with its
    branches."""

    id: int
    title: str
    created: float
    updated: float
    model: str
    local_only: bool
    messages: int
    answered: str = ""
    pinned: bool = False
    tree: int = 0
    tags: tuple[str, ...] = ()
    mine: bool = False


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


COLUMNS = tuple(name for name in Message.__struct_fields__ if name != "attachments")
"""Of a message, in the table of messages."""


def row_of(message: Message) -> tuple[object, ...]:
    """What stands in `COLUMNS`."""
    beside = msgspec.json.encode(message.beside).decode() if message.beside else ""
    took = "" if message.figures == Figures() else msgspec.json.encode(message.figures).decode()
    said = {name: getattr(message, name) for name in COLUMNS} | {"beside": beside, "figures": took}
    return tuple(storable(value) if isinstance(value, str) else value for value in said.values())


def storable(text: str) -> str:
    """Half a surrogate pair can come from a terminal; SQLite takes UTF-8 only."""
    return text.encode("utf-8", "replace").decode("utf-8")


def head_of(row: Sequence[object]) -> Head:
    """A row with the fields of a head, in their order."""
    found = dict(zip(Head.__struct_fields__, row, strict=True))
    return msgspec.convert({**found, "tags": parted(str(found["tags"]))}, Head, strict=False)


def message_of(row: Sequence[object], files: Sequence[Attachment]) -> Message:
    """A row of `COLUMNS`, with the files that went with it."""
    found = dict(zip(COLUMNS, row, strict=True))
    beside = msgspec.json.decode(str(found.pop("beside")) or "[]", type=tuple[Reasoning | ToolCall, ...])
    figures = msgspec.json.decode(str(found.pop("figures")) or "{}", type=Figures)
    message = msgspec.convert(found, Message, strict=False)
    return msgspec.structs.replace(message, beside=beside, figures=figures, attachments=tuple(files))
