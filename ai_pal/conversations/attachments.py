"""Files that went with prompts, in the database: they are kept, shown and deleted with their message.

Their bytes are written and read in place: as values of a statement SQLite would copy them twice.
"""

import sqlite3
from collections.abc import Iterable

from ai_pal.conversations.model import Attachment
from ai_pal.protocol.content import Audio, Document, Image

_INSERT = """
    INSERT INTO attachments (message, name, about, kind, media_type, data) VALUES (?, ?, ?, ?, ?, zeroblob(?))
"""
_OF_CONVERSATION = """
    SELECT id, message, name, about, kind, media_type FROM attachments
    WHERE message IN (SELECT id FROM messages WHERE conversation = ?) ORDER BY id
"""
_PLACE = ("attachments", "data")


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
        row = (message, _storable(one.name), _storable(one.about), kind, media_type, len(data))
        number = connection.execute(_INSERT, row).lastrowid
        assert number is not None
        with connection.blobopen(*_PLACE, number) as place:
            place.write(data)


def by_message(
    connection: sqlite3.Connection, conversation: int, *, data: bool = True
) -> dict[int, list[Attachment]]:
    """What went with the messages of a conversation, by their numbers; without `data` no bytes of it."""
    found: dict[int, list[Attachment]] = {}
    rows = connection.execute(_OF_CONVERSATION, (conversation,))
    for number, message, name, about, kind, media_type in rows:
        held = b""
        if data:
            with connection.blobopen(*_PLACE, number, readonly=True) as place:
                held = place.read()
        part: Document | Image | Audio
        if kind == "document":
            part = Document(name, held.decode())
        else:
            part = Image(media_type, held) if kind == "image" else Audio(media_type, held)
        found.setdefault(message, []).append(Attachment(name, part, about))
    return found


def _storable(text: str) -> str:
    """A file's name need not be text; SQLite takes UTF-8 only."""
    return text.encode("utf-8", "replace").decode("utf-8")
