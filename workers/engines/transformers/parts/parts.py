"""An answer cut into its parts while it is generated: what was thought, the text, the tools that are called.

transformers' own response parser cuts; this says what each piece is a piece of.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from workers.engines.bare_calls import BareCalls
from workers.engines.base import OpenPart
from workers.engines.tagged_calls import Read
from workers.engines.thought_ends import ThoughtEnds
from workers.engines.transformers.parts.call_bodies import CallPiece, Named, Objects
from workers.engines.transformers.parts.call_forms import Calls, region_of
from workers.engines.transformers.parts.call_values import AtEnd, keyed, python
from workers.engines.transformers.parts.families import Thinking

REASONING = ("reasoning_content", "thinking", "reasoning")
CONTENT, CALLS = "content", "tool_calls"
CALL_ID = 9
"""Characters of a call's id: some templates take no others."""
NOWHERE = "\0"
"""An anchor that no prompt has: what stands before the answer is given as it is."""
NO_CALL = (ValueError, KeyError, TypeError, IndexError)
"""What the library raises over a call that is none."""

Body = Objects | Named | AtEnd


class Piece(NamedTuple):
    """More text of a part."""

    part: OpenPart
    text: str


def response_template(
    thinking: Thinking | None, calls: Calls | None, names: Sequence[str] = ()
) -> dict[str, Any]:
    """The declaration by which transformers takes an answer of this family apart; `names` are those of tools
    that may be called."""
    fields: dict[str, Any] = {}
    if thinking is not None:
        fields["reasoning_content"] = {"open": thinking.open, "close": thinking.close, "content": "text"}
    if calls is not None:
        fields[CALLS] = region_of(calls, names)
    return {"start_anchor": NOWHERE, "fields": {**fields, CONTENT: {"content": "text"}}}


class Parts:
    """One answer. `parser` is a `ResponseParser` that has seen what the prompt opened; `calls` says how calls
    are written, None that only the parser knows; `bare` finds those of another form, and `read` reads those
    that the parser does not."""

    def __init__(
        self, parser: Any, calls: Calls | None, bare: BareCalls | None = None, read: Read | None = None
    ) -> None:
        self._parser, self._calls, self._bare, self._read = parser, calls, bare, read
        self._ends = ThoughtEnds(calls.close) if calls is not None and calls.block else None
        self._field = CONTENT
        self._part: OpenPart | None = None
        self._count = 0
        self._blank = ""
        """Blanks that are told only if something follows them."""
        self._raw = ""
        """What was written of the calls in this region."""
        self._body: Body | None = None
        self._open: dict[int, OpenPart] = {}
        self._is_broken = self._is_behind_thought = False
        self._holder: OpenPart | None = None
        """The part that holds text back because it may be calls."""
        self.calls = 0
        """How many calls have begun, and how many of them are complete."""
        self.complete = 0
        for event in parser.initial_events:
            self._take(event)

    def feed(self, text: str) -> list[Piece]:
        """What this text is made of."""
        if self._is_broken:
            return self._say(text)
        try:
            events = self._parser.feed(text)
        except NO_CALL:
            return self._give_up(text)
        return [piece for event in events for piece in self._take(event)]

    def end(self, *, cut: bool = False) -> list[Piece]:
        """The rest, when no more text comes; `cut` where more would have."""
        if self._is_broken:
            return []
        try:
            _, events = self._parser.finalize()
        except NO_CALL:
            return self._give_up("")
        pieces = [piece for event in events for piece in self._take(event)]
        if self._ends is not None:
            rest, self._ends = self._ends.end(), None
            pieces += self._say(rest)
        if self._bare is not None and not cut and (calls := self._bare.calls()):
            self._open = {}
            pieces += self._call([CallPiece(number, *call) for number, call in enumerate(calls)])
            self.complete += len(calls)
        return pieces + self._settle_as_text()

    def _take(self, event: dict[str, Any]) -> list[Piece]:
        match event["type"]:
            case "region_open":
                pieces = self._settle_as_text() if event["field"] == CALLS or self._holder is not None else []
                self._begin(event["field"])
                return pieces
            case "region_chunk" if self._field == CALLS:
                self._raw += event["text"]
                return self._call(self._body.feed(event["text"])) if self._body is not None else []
            case "region_chunk":
                return self._say(event["text"])
            case _:
                return self._close(event["value"])

    def _begin(self, field: str) -> None:
        self._field, self._part, self._blank, self._raw = field, None, "", ""
        if field == CALLS:
            self._body = AtEnd(self._read) if self._read is not None else _body_of(self._calls)
            self._open = {}

    def _close(self, value: Any) -> list[Piece]:
        pieces: list[Piece] = []
        if self._field == CALLS:
            if self._body is None:
                pieces = self._call(_whole(value))
            else:
                pieces = self._call(self._body.end())
                pieces += [] if self._open else self._speak(self._raw)
            self.complete += len(self._open)
        self._is_behind_thought = self._is_behind_thought or self._field in REASONING
        self._begin(CONTENT)
        return pieces

    def _give_up(self, text: str) -> list[Piece]:
        """People see what was written of a call that is none."""
        self._is_broken = True
        return [*self._settle_as_text(), *self._speak(self._raw + text)]

    def _speak(self, text: str) -> list[Piece]:
        self._begin(CONTENT)
        return self._say(text)

    def _settle_as_text(self) -> list[Piece]:
        """What was held back because it might be calls is text."""
        held, self._bare = self._bare.rest() if self._bare is not None else "", None
        return [Piece(self._holder, held)] if held and self._holder is not None else []

    def _say(self, text: str) -> list[Piece]:
        """A part begins with its first character that is no blank; only the blanks in front of the whole
        answer are its own. Those behind what was thought belong to the mark."""
        thinks = self._field in REASONING
        if self._ends is not None and not thinks:
            text = self._ends.push(text)
        text, self._blank = self._blank + text, ""
        if self._part is None:
            if not text.strip():
                self._blank = text
                return []
            if thinks or self._count or self._is_behind_thought:
                text = text.lstrip()
            self._part = self._next("reasoning" if thinks else "text")
        if thinks:
            kept = text.rstrip()
            self._blank, text = text[len(kept) :], kept
        elif self._bare is not None:
            self._holder = self._part
            return [Piece(self._part, self._bare.push(text))]  # one that is held back is a sign of life
        return [Piece(self._part, text)] if text else []

    def _call(self, pieces: list[CallPiece]) -> list[Piece]:
        said = []
        for piece in pieces:
            if piece.call not in self._open:
                self.calls += 1
                call = OpenPart("tool_call", self._count, uuid.uuid4().hex[:CALL_ID], piece.name)
                self._count += 1
                self._open[piece.call] = call
            said.append(Piece(self._open[piece.call], piece.arguments))
        return said

    def _next(self, kind: str) -> OpenPart:
        self._count += 1
        return OpenPart("reasoning" if kind == "reasoning" else "text", self._count - 1)


def _body_of(calls: Calls | None) -> Body | None:
    """What reads them while they are written; None where the parser reads them itself."""
    if calls is None:
        return None
    match calls.body:
        case "objects":
            return Objects()
        case "named":
            return Named(calls.name)
        case "python":
            return AtEnd(python)
        case "keyed":
            return AtEnd(keyed)
        case _:
            return None


def _whole(value: Any) -> list[CallPiece]:
    """Calls that came complete from the parser."""
    pieces = []
    for index, one in enumerate(value if isinstance(value, list) else [value]):
        function = one.get("function", one) if isinstance(one, dict) else {}
        arguments = function.get("arguments", {})
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        pieces.append(CallPiece(index, str(function.get("name", "")), written))
    return pieces
