"""The parts of an answer one after the other, as clients put it together: what comes belongs to the part that
began last, say OpenAI's and Anthropic's own readers of streams. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from ai_pal.gateway.answering.open_parts import says_nothing
from ai_pal.protocol import client as wire

PIECES = 8
"""Of text that wait for probabilities."""

Piece = wire.Delta | wire.Logprobs


class InTurn:
    """Calls may come side by side. What begins beside a call waits until its arguments are whole, or all has
    come. Blanks in front of arguments, which readers of half JSON fail at, are left out, and so is what
    follows whole ones once another part has begun."""

    def __init__(self) -> None:
        self.free = True
        """Whether no call is open, so that text and thoughts go by."""
        self._open: wire.Delta | None = None
        self._arguments: list[str] = []
        self._closed: set[int] = set()
        self._waiting: list[Piece] = []

    def take(self, piece: Piece) -> Sequence[Piece]:
        """What may be told now that this has come."""
        call = self._open
        if isinstance(piece, wire.Logprobs):  # of a text that waits
            self._waiting += [piece] if self._waiting else []
            return [] if self._waiting else [piece]
        if call is None:
            return self._begin(piece)
        if piece.kind == "tool_call" and piece.index == call.index:
            if piece.call in ("", call.call):
                return self._grow(piece)
            return [*self.rest(), *self._close(), *self._begin(piece)]
        if says_nothing(piece):
            return []
        if not self._waiting and self._is_whole():
            return [*self._close(), *self._begin(piece)]
        self._waiting.append(piece)
        return []

    def rest(self) -> Sequence[Piece]:
        """All that waits, as no more comes."""
        told: list[Piece] = []
        while self._waiting:
            told += self._close()
        return told

    def _begin(self, delta: wire.Delta) -> Sequence[Piece]:
        if delta.kind != "tool_call":
            return [delta]
        if not delta.call and delta.index in self._closed:
            return []
        self._open, self.free = delta, False
        return self._grow(delta)

    def _grow(self, delta: wire.Delta) -> Sequence[Piece]:
        if not self._arguments and delta.text[:1].isspace():
            delta = msgspec.structs.replace(delta, text=delta.text.lstrip())
        if delta.text:
            self._arguments.append(delta.text)
        if self._waiting and delta.text.rstrip().endswith("}") and self._is_whole():
            return [delta, *self._close()]
        return [delta]

    def _close(self) -> Sequence[Piece]:
        """The call that is open has ended: what may be told of what waited for it."""
        if self._open is not None:
            self._closed.add(self._open.index)
        self._open, self.free = None, True
        self._arguments.clear()
        waiting, self._waiting = self._waiting, []
        return [told for piece in waiting for told in self.take(piece)]

    def _is_whole(self) -> bool:
        try:
            return isinstance(msgspec.json.decode("".join(self._arguments)), dict)
        except (msgspec.DecodeError, RecursionError):
            return False


class Patience:
    """How long text waits for its probabilities: who tells them at all is behind by a few pieces at most.
    Thoughts and calls have none with many providers, and wait for none."""

    def __init__(self) -> None:
        self._pieces = 0

    def ends(self, events: Iterable[wire.AnyEvent]) -> bool:
        """Whether too much has come without any, with these."""
        for event in events:
            if isinstance(event, wire.Logprobs):
                self._pieces = 0
            elif isinstance(event, wire.Delta) and event.kind == "text":
                self._pieces += 1
        return self._pieces > PIECES


def in_order(events: Iterable[wire.AnyEvent]) -> Sequence[wire.AnyEvent]:
    """The same with probabilities right behind the text that they are of: a model's process sends them behind
    all text that goes out together, and joins runs of them."""
    found: list[wire.AnyEvent] = []
    for event in events:
        if not isinstance(event, wire.Logprobs) or event.prompt:
            found.append(event)
            continue
        late: list[wire.Delta] = []
        while found and isinstance(last := found[-1], wire.Delta) and last.seq > event.seq:
            late.append(last)
            found.pop()
        pieces: list[Piece] = [*reversed(late), *_runs(event, late)]
        pieces.sort(key=lambda one: one.seq)
        found += pieces
    return found


def _runs(event: wire.Logprobs, late: Sequence[wire.Delta]) -> Sequence[wire.Logprobs]:
    """These probabilities apart, where a piece of text that has come begins among them."""
    end = event.seq + len(event.tokens)
    cuts = sorted({event.seq, *(one.seq for one in late if one.seq < end)})
    return [
        msgspec.structs.replace(event, seq=cut, tokens=event.tokens[cut - event.seq : until - event.seq])
        for cut, until in zip(cuts, [*cuts[1:], end], strict=True)
    ]
