"""The part of an answer that grows in a stream, by its number there. Pure."""

from typing import NamedTuple

from ai_pal.protocol import client as wire
from ai_pal.protocol.content import PartKind


class OpenPart(NamedTuple):
    """One that has begun and not ended. `place` is that of the answer; `call` is the id of a call."""

    number: int
    kind: PartKind
    place: int
    call: str


class OpenParts:
    """Numbers parts in the order in which they begin; each ends where another begins."""

    def __init__(self) -> None:
        self._open: OpenPart | None = None
        self._begun = 0

    def of(self, delta: wire.Delta) -> OpenPart | None:
        """The one that a piece belongs to; None where it begins another."""
        found = self._open
        if found is None or (found.kind, found.place) != (delta.kind, delta.index):
            return None
        return found if delta.call in ("", found.call) else None

    def begin(self, delta: wire.Delta) -> tuple[OpenPart, OpenPart | None]:
        """The next one, and the one that ends before it."""
        ended = self._open
        self._open = found = OpenPart(self._begun, delta.kind, delta.index, delta.call)
        self._begun += 1
        return found, ended

    def end(self) -> OpenPart | None:
        """The one that ends now."""
        ended, self._open = self._open, None
        return ended


def says_nothing(delta: wire.Delta) -> bool:
    """Whether a piece changes nothing that is shown."""
    return not (delta.text or delta.call or delta.signature)
