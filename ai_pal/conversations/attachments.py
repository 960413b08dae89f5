"""Files that went with prompts, in the database: they are kept, shown and deleted with their message."""

import sqlite3
from collections.abc import Iterable

from ai_pal.conversations.model import Attachment
from ai_pal.protocol.content import Audio, Document, Image

_INSERT = "INSERT INTO attachments (message, name, about, kind, media_type, data) VALUES (?, ?, ?, ?, ?, ?)"
_OF_CONVERSATION = """
    SELECT message, name, about, kind, media_type, data FROM attachments
    WHERE message IN (SELECT id FROM messages WHERE conversation = ?) ORDER BY id
"""


def insert(connection: sqlite3.Connection, message: int, attachments: Iterable[Attachment]) -> None:
    """Keep what went with this message."""
    for one in attachments:
        match one.part:
            case Document(text=text):
                kind, media_type, data = "document", "text/plain", text.encode("utf-8", "replace")
            case Image(media_type=media_type, data=data):
                kind = "image"
            case Audio(media_type=media_type, data=data):
                kind = "audio"
        row = (message, _storable(one.name), _storable(one.about), kind, media_type, data)
        connection.execute(_INSERT, row)


def by_message(connection: sqlite3.Connection, conversation: int) -> dict[int, list[Attachment]]:
    """What went with the messages of a conversation, by their numbers."""
    found: dict[int, list[Attachment]] = {}
    for message, name, about, kind, media_type, data in connection.execute(_OF_CONVERSATION, (conversation,)):
        part: Document | Image | Audio
        if kind == "document":
            part = Document(name, data.decode())
        else:
            part = Image(media_type, data) if kind == "image" else Audio(media_type, data)
        found.setdefault(message, []).append(Attachment(name, part, about))
    return found


def _storable(text: str) -> str:
    """A file's name need not be text; SQLite takes UTF-8 only."""
    return text.encode("utf-8", "replace").decode("utf-8")
