"""The parts of an answer that are written side by side in a stream, by their numbers there. Pure."""

from typing import NamedTuple

from ai_pal.protocol import client as wire
from ai_pal.protocol.content import PartKind


class OpenPart(NamedTuple):
    """One that has begun and not ended; `call` is the id of a call."""

    number: int
    kind: PartKind
    call: str


class OpenParts:
    """Text and thoughts end where another part begins; calls of tools may grow side by side."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, PartKind], OpenPart] = {}
        self._begun = 0

    def of(self, delta: wire.Delta) -> OpenPart | None:
        """The one that a piece belongs to; None where it begins another."""
        found = self._open.get((delta.index, delta.kind))
        return found if found is not None and delta.call in ("", found.call) else None

    def begin(self, delta: wire.Delta) -> tuple[OpenPart, list[OpenPart]]:
        """The next one, and those that end before it."""
        ended = self.end(calls=(delta.index, delta.kind) in self._open)
        found = self._open[delta.index, delta.kind] = OpenPart(self._begun, delta.kind, delta.call)
        self._begun += 1
        return found, ended

    def end(self, *, calls: bool = True) -> list[OpenPart]:
        """Those that end now: all, or all but `calls`."""
        going = [place for place in self._open if calls or place[1] != "tool_call"]
        return [self._open.pop(place) for place in going]


def says_nothing(delta: wire.Delta) -> bool:
    """Whether a piece changes nothing that is shown."""
    return not (delta.text or delta.call or delta.signature)
