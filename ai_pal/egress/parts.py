"""What a provider says, as numbered parts of an answer: text, reasoning and calls of tools. Pure."""

from collections.abc import Callable, Iterator

import msgspec

from ai_pal.egress.calls import Arguments, Begun, Calls
from ai_pal.egress.providers.answers.pieces import Content, Thought
from ai_pal.egress.whole_text import WholeText
from ai_pal.protocol.content import PartKind


class Piece(msgspec.Struct, frozen=True):
    """A piece of a part; the fields are those of `client.Delta`."""

    kind: PartKind
    index: int
    text: str
    call: str = ""
    name: str = ""
    signature: str = ""


class _Open(msgspec.Struct, eq=False):
    """A part that may grow."""

    kind: PartKind
    index: int
    whole: WholeText
    signed: bool = False


class Parts:
    """Numbers the parts of one answer in the order in which they begin. A text or a thought goes on as long
    as nothing else begins; calls grow side by side."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._calls = Calls(new_id)
        self._called: dict[int, _Open] = {}
        self._last: _Open | None = None
        self._count = 0

    @property
    def calls(self) -> bool:
        """Whether a tool was called."""
        return bool(self._calls)

    def add(self, said: Content) -> list[Piece]:
        """The pieces that this adds, each with something in it."""
        if isinstance(said, str):
            return self._grown("text", said) if said else []
        if isinstance(said, Thought):
            return self._grown("reasoning", said.text, said.signature) if said.text or said.signature else []
        return list(self._of_calls(self._calls.take(said)))

    def close(self, *, cut: bool = False) -> Iterator[Piece]:
        """What is left when the answer has ended. Raises like `Calls.close`."""
        return self._of_calls(self._calls.close(cut=cut))

    def _grown(self, kind: PartKind, text: str, signature: str = "") -> list[Piece]:
        last = self._last
        if last is None or last.kind != kind or last.signed:
            last = self._begin(kind)
        last.signed = bool(signature)
        whole = last.whole.add(text)
        return [Piece(kind, last.index, whole, signature=signature)] if whole or signature else []

    def _of_calls(self, told: Iterator[Begun | Arguments]) -> Iterator[Piece]:
        for one in told:
            if isinstance(one, Begun):
                opened = self._called[one.number] = self._begin("tool_call")
                yield Piece("tool_call", opened.index, "", one.id, one.name)
            elif text := self._called[one.number].whole.add(one.text):
                yield Piece("tool_call", self._called[one.number].index, text)

    def _begin(self, kind: PartKind) -> _Open:
        self._last = _Open(kind, self._count, WholeText())
        self._count += 1
        return self._last
