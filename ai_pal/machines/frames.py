"""What two ends of a link write to each other: frames of a kind and a length, over any pipe. Pure."""

from collections.abc import Iterator
from enum import IntEnum

import msgspec

from ai_pal.errors import Failure

MAGIC = b"\0ai-pal relay 1\n"
"""Begins what the far end says; a login may print a greeting before it."""

MOST_NOISE = 64 * 1024
"""Bytes of such a greeting."""

CHUNK = 64 * 1024
"""Bytes of one frame at most: between two of them a beat gets through."""

_HEAD = 5


class Kind(IntEnum):
    """What a frame holds: `DATA` is for the socket behind it, `BEAT` nothing, `HELLO` a `Greeting`, `READY`
    nothing (the supervisor there takes a connection), `FAILED` a `Failure`."""

    DATA = 1
    BEAT = 2
    HELLO = 3
    READY = 4
    FAILED = 5


class Greeting(msgspec.Struct, frozen=True):
    """Who the far end is: the `version` of AI-PAL, the `protocol` of its clients, its `identity`."""

    version: str
    protocol: int
    identity: str


class Garbled(Exception):  # noqa: N818 (it becomes a failure)
    """The other end says what no link does."""


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    """One frame."""
    return bytes([kind]) + len(payload).to_bytes(4, "big") + payload


def greeting(version: str, protocol: int, identity: str) -> bytes:
    """How the far end begins."""
    return MAGIC + frame(Kind.HELLO, msgspec.json.encode(Greeting(version, protocol, identity)))


def failed(failure: Failure, *, greeted: bool = True) -> bytes:
    """That there is nobody to connect to, and why; not `greeted`: it is all that the far end says."""
    said = frame(Kind.FAILED, msgspec.json.encode(failure))
    return said if greeted else MAGIC + said


class Frames:
    """Puts frames together from bytes as they come. With `greeted` the other end has no greeting to make."""

    def __init__(self, *, greeted: bool = False) -> None:
        self._greeted, self._held = greeted, bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The frames that are whole by now. Raises `Garbled`."""
        self._held += data
        if not self._greeted and not self._begun():
            return
        while len(self._held) >= _HEAD:
            length = int.from_bytes(self._held[1:_HEAD], "big")
            if length > CHUNK or self._held[0] not in list(Kind):
                raise Garbled
            if len(self._held) < _HEAD + length:
                return
            kind, payload = Kind(self._held[0]), bytes(self._held[_HEAD : _HEAD + length])
            del self._held[: _HEAD + length]
            yield kind, payload

    def _begun(self) -> bool:
        at = self._held.find(MAGIC)
        if at < 0:
            if len(self._held) > MOST_NOISE:
                raise Garbled
            return False
        del self._held[: at + len(MAGIC)]
        self._greeted = True
        return True


def greeting_in(payload: bytes) -> Greeting:
    """What a `HELLO` says. Raises `Garbled`."""
    try:
        return msgspec.json.decode(payload, type=Greeting)
    except msgspec.DecodeError:
        raise Garbled from None


def failure_in(payload: bytes) -> Failure:
    """What a `FAILED` says. Raises `Garbled`."""
    try:
        return msgspec.json.decode(payload, type=Failure)
    except msgspec.DecodeError:
        raise Garbled from None
