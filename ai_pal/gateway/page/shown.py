"""An answer as a page shows it while it comes: what was thought, said and called, in its order. Pure."""

from typing import TYPE_CHECKING, Any

from ai_pal.client.parts import GrowingPart, Parts
from ai_pal.conversations.blocks import BlockSplitter
from ai_pal.conversations.neutral import neutral, neutral_line
from ai_pal.conversations.receipts import place
from ai_pal.counted import counted
from ai_pal.gateway.page.events import Change
from ai_pal.protocol import client as wire

if TYPE_CHECKING:  # few gateways show a page, and all import this
    from markdown_it import MarkdownIt


class Said:
    """A text: the blocks that are finished, and the rest that still grows."""

    kind = "said"

    def __init__(self, splitter: BlockSplitter) -> None:
        self.blocks: list[str] = []
        self._splitter = splitter

    @property
    def rest(self) -> str:
        return self._splitter.rest

    def add(self, text: str) -> None:
        self.blocks += self._splitter.feed(neutral(text))


class Thought:
    """What was thought; `seconds` once it is over."""

    kind = "thought"

    def __init__(self, began: float) -> None:
        self.text, self.began, self.seconds = "", began, 0.0

    def add(self, text: str) -> None:
        self.text += neutral(text)


class Called:
    """A tool that is to be run, with its arguments as they come."""

    kind = "called"

    def __init__(self) -> None:
        self.name = self.text = ""

    def add(self, text: str) -> None:
        self.text += neutral(text)


class Seam:
    """Why somebody else answers from here on: what stands before it is a draft that was given up."""

    kind = "seam"

    def __init__(self, text: str) -> None:
        self.text = neutral_line(text)


Grown = Said | Thought | Called
Piece = Grown | Seam


class Shown:
    """What has come so far. `times` counts how often it began anew: another may answer after thoughts;
    `asked` is what is answered, and where it is kept; `silent`: the supervisor does not answer;
    `unsure` is what is said of an answer that its own model doubts."""

    def __init__(self, parser: "MarkdownIt | None" = None) -> None:
        self.parts = Parts()
        self.pieces: list[Piece] = []
        self.times = 0
        self.waiting: dict[str, Any] | None = {"text": "asking"}
        self.asked: dict[str, Any] | None = None
        self.silent = False
        self.who: dict[str, Any] | None = None
        self.notices: list[str] = []
        self.unsure = ""
        self.started: wire.Started | None = None
        self.end: wire.Done | wire.Failed | wire.Interrupted | wire.Cancelled | None = None
        self.closed: Change | None = None
        self._of: dict[int, Grown] = {}
        self._parser = parser

    def take(self, event: wire.AnyEvent, now: float) -> None:
        """Add one event; `now` in seconds of any clock."""
        match event:
            case wire.Delta():
                self._grow(self.parts.add(event), event, now)
                self.waiting = None
                return
            case wire.Started():
                self.started, self.who = event, who(event)
            case wire.Notice(kind="seam"):
                self.pieces.append(Seam(event.reason))
            case wire.Notice(kind="unsure"):
                self.unsure = neutral_line(event.reason)
            case wire.Notice():
                self.notices.append(neutral_line(event.reason))
            case wire.Done() | wire.Failed() | wire.Interrupted() | wire.Cancelled():
                self.end, self.waiting = event, None
                self._settle(now)
            case _:
                self.waiting = waiting(event) or self.waiting
        self.parts.take(event)
        if self.pieces and not self.parts.growing:
            self.notices += [piece.text for piece in self.pieces if isinstance(piece, Seam)]
            self.pieces, self._of, self.times = [], {}, self.times + 1

    @property
    def thought(self) -> float:
        """Seconds of all thoughts."""
        return sum(piece.seconds for piece in self.pieces if isinstance(piece, Thought))

    def _grow(self, part: GrowingPart, delta: wire.Delta, now: float) -> None:
        piece = self._of.get(id(part))
        if piece is None:
            self._settle(now)
            piece = self._of[id(part)] = self._begun(part, now)
            self.pieces.append(piece)
        if isinstance(piece, Called):
            piece.name = neutral_line(part.name)
        piece.add(delta.text)

    def _begun(self, part: GrowingPart, now: float) -> Grown:
        match part.kind:
            case "reasoning":
                return Thought(now)
            case "tool_call":
                return Called()
        return Said(BlockSplitter(self._parser))

    def _settle(self, now: float) -> None:
        """What was thought is over when something else comes."""
        for piece in self.pieces:
            if isinstance(piece, Thought) and not piece.seconds:
                piece.seconds = max(now - piece.began, 0.001)


def who(event: wire.Started) -> dict[str, Any]:
    """Who answers, for people."""
    return {
        "model": neutral_line(event.model),
        "place": place(event.tier, event.provider, remote=event.remote),
        "left": event.remote,
        "why": neutral_line(event.why),
    }


def waiting(event: wire.AnyEvent) -> dict[str, Any] | None:
    """What an answer waits for: words, and the share that is done where that is known."""
    match event:
        case wire.Accepted():
            return {"text": "waiting for the first word"}
        case wire.Queued():
            before = counted(event.position - 1, "request")
            return {"text": f"in the queue, {before} before this one" if event.position > 1 else "next"}
        case wire.Pulling():
            share = event.done / event.total if event.total else None
            size = f" of {event.total / 1e9:.1f} GB" if event.total else ""
            return {"text": f"downloading {neutral_line(event.model)}{size}", "share": share}
        case wire.Loading():
            name = neutral_line(event.model)
            text = f"sending {name} to {neutral_line(event.node)}" if event.node else f"loading {name}"
            return {"text": (event.reason and f"{text}: {event.reason}") or text, "share": event.progress}
        case wire.Reading():
            share = event.done / event.total if event.total else None
            return {"text": f"reading the prompt, {event.done:,} of {event.total:,} tokens", "share": share}
    return None
