"""Ollama's `context`: what was said, as numbers that a client hands back. It keeps nothing here, so the
numbers hold the conversation itself. Pure."""

import zlib
from collections.abc import Sequence

import msgspec

from ai_pal.gateway.asking.privacy_level import PrivacyLevel
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import Message

_MARK = 0xA1FA1
"""The first number: whose they are. No vocabulary is so large."""

_BYTES = 3
"""Of each number: below 2^24, which every JSON reader keeps whole."""

MOST_BYTES = 4 * 1024 * 1024
"""Of a conversation that is unpacked."""

_TURNS = msgspec.msgpack.Decoder(tuple[PrivacyLevel, list[tuple[str, str]]])
_ROLES = ("system", "user", "assistant")


def remembered(turns: Sequence[Message], level: PrivacyLevel) -> list[int]:
    """These turns as numbers, with how far they may go; of pictures nothing is kept."""
    data = zlib.compress(msgspec.msgpack.encode((level, [(turn.role, turn.text) for turn in turns])))
    data = len(data).to_bytes(4, "big") + data
    pieces = (data[at : at + _BYTES].ljust(_BYTES, b"\0") for at in range(0, len(data), _BYTES))
    return [_MARK, *(int.from_bytes(piece, "big") for piece in pieces)]


def recalled(numbers: Sequence[int]) -> tuple[list[Message], PrivacyLevel]:
    """The turns that were made numbers, and how far they may go. Raises `BodyError`: these are somebody
    else's."""
    if not numbers:
        return [], PrivacyLevel()
    try:
        if numbers[0] != _MARK:
            raise ValueError("another server's")
        data = b"".join(number.to_bytes(_BYTES, "big") for number in numbers[1:])
        packed = data[4 : 4 + int.from_bytes(data[:4], "big")]
        if not len(packed) <= len(data) - 4 < len(packed) + _BYTES:
            raise ValueError("of another length")
        unpacking = zlib.decompressobj()
        whole = unpacking.decompress(packed, MOST_BYTES)
        if not unpacking.eof:
            raise ValueError("cut off, or too long")
        level, turns = _TURNS.decode(whole)
        if any(role not in _ROLES for role, _ in turns):
            raise ValueError("no turns")
    except (ValueError, OverflowError, zlib.error, msgspec.MsgspecError):
        hint = "send what was said to /api/chat as messages"
        raise BodyError("this context was not made here, or not by this version", "context", hint) from None
    return [Message(role, text) for role, text in turns], level  # type: ignore[arg-type]
