"""Conversations and files as a browser saves them. Pure."""

import re

import msgspec

from ai_pal.conversations.kept import conversation_of
from ai_pal.conversations.records import Kept
from ai_pal.errors import Code, fail
from ai_pal.gateway.asking.asked import Told
from ai_pal.gateway.page.files import SAFE
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import Document, Image

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
"""What is shown; anything else is saved."""

_ALONE = (
    *SAFE,
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cache-control", b"no-store"),
)


def exported(kept: Kept, form: str) -> Told:
    """The whole conversation as a file. Raises `BodyError`."""
    if form == "json":
        data = msgspec.json.format(msgspec.json.encode(kept))
        return _saved(data, "application/json", f"{kept.head.id}.json")
    if form != "markdown":
        raise BodyError(f"{form!r} is neither markdown nor json", "format")
    text = f"# {kept.head.title}\n\n{conversation_of(kept).markdown()}"
    return _saved(text.encode("utf-8", "replace"), "text/markdown; charset=utf-8", f"{kept.head.id}.md")


def attachment(kept: Kept, turn: int, number: int) -> Told:
    """A file of a turn. Raises `AiPalError`: there is none."""
    turns = conversation_of(kept).turns
    if turn >= len(turns) or number >= len(turns[turn].attachments):
        fail(Code.CONVERSATION_NOT_FOUND, "there is no such file", "look at the conversation as it is now")
    one = turns[turn].attachments[number]
    if isinstance(one.part, Image) and one.part.media_type in PICTURES:
        return Told(one.part.data, one.part.media_type, _ALONE)
    if isinstance(one.part, Document):
        text = one.part.text.encode("utf-8", "replace")
        return _saved(text, "text/plain; charset=utf-8", f"{one.name}.txt")
    return _saved(one.part.data, "application/octet-stream", one.name)


def _saved(data: bytes, media_type: str, name: str) -> Told:
    safe = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)[-80:].lstrip(".") or "file"
    saved = (b"content-disposition", f'attachment; filename="ai-pal-{safe}"'.encode())
    return Told(data, media_type, (*_ALONE, saved))
