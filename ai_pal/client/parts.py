"""The parts of an answer, put together from its events: as every face needs them. No I/O."""

from collections.abc import Sequence

from ai_pal.protocol import client as wire
from ai_pal.protocol.content import AnyPart, Message, PartKind, Reasoning, Text, TokenLogprob, ToolCall


class GrowingPart:
    """One part while it comes. `index` is its place as the answer numbers it, `call` and `name` are a tool
    call's, and `signature` is reasoning's."""

    def __init__(self, first: wire.Delta) -> None:
        self.kind: PartKind = first.kind
        self.index, self.call, self.name = first.index, first.call, first.name
        self.signature = ""
        self._pieces: list[str] = []

    def grow(self, delta: wire.Delta) -> None:
        """Add a piece."""
        self._pieces.append(delta.text)
        self.name = self.name or delta.name
        self.signature = delta.signature or self.signature

    def begins_again(self, delta: wire.Delta) -> bool:
        """Whether a piece of this kind and index belongs to another tool call."""
        return bool(delta.call) and delta.call != self.call

    @property
    def text(self) -> str:
        """What has come of it; a tool call's is the JSON of its arguments."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def part(self) -> Text | Reasoning | ToolCall:
        """As it would be sent back."""
        match self.kind:
            case "reasoning":
                return Reasoning(self.text, self.signature)
            case "tool_call":
                return ToolCall(self.call, self.name, self.text)
        return Text(self.text)


class Parts:
    """What has come of one answer so far, in the order in which its parts began."""

    def __init__(self) -> None:
        self.growing: list[GrowingPart] = []
        self.logprobs: list[TokenLogprob] = []
        self.prompt_logprobs: list[TokenLogprob] = []
        """Of the prompt's own tokens."""
        self.thought = 0
        """Tokens of thoughts."""
        self._latest: dict[tuple[int, PartKind], GrowingPart] = {}
        self._seam: int | None = None
        self._begin = 0  # where the answer that counts begins

    def take(self, event: wire.AnyEvent) -> None:
        """Take the next event; most of them add nothing."""
        match event:
            case wire.Delta():
                self.add(event)
            case wire.Logprobs(prompt=True):
                self.prompt_logprobs = event.tokens
            case wire.Logprobs():
                self.logprobs += event.tokens
            case wire.Notice(kind="seam"):
                self._seam = len(self.growing)
            case wire.Notice(kind="fallback" | "retry") | wire.Started() if not self.committed:
                # Who thought so far does not answer: another's thoughts, and its signature, prove nothing.
                self.growing.clear()
                self.logprobs.clear()
                self.thought = self._begin = 0
                self._latest.clear()

    def add(self, delta: wire.Delta) -> GrowingPart:
        """Take a piece; returns the part that it belongs to, which it may begin."""
        self.thought += delta.n if delta.kind == "reasoning" else 0
        place = delta.index, delta.kind  # where another goes on behind a seam, it numbers its parts anew
        part = self._latest.get(place)
        if part is None or part.begins_again(delta):
            part = self._latest[place] = GrowingPart(delta)
            self.growing.append(part)
            if self._seam is not None and delta.kind != "reasoning":
                self._begin = self._seam  # who goes on with the first has the place of its text
        if delta.kind != "reasoning":
            self._seam = None
        part.grow(delta)
        return part

    @property
    def committed(self) -> bool:
        """Whether there is more than thoughts."""
        return any(part.kind != "reasoning" for part in self.growing)

    @property
    def own(self) -> list[GrowingPart]:
        """What counts: of two answers with a seam between them the second, without the draft before it."""
        return self.growing[self._begin :]

    @property
    def text(self) -> str:
        """What it says, without what was thought before."""
        return "".join(part.text for part in self.own if part.kind == "text")

    @property
    def reasoning(self) -> str:
        """What was thought."""
        return "".join(part.text for part in self.own if part.kind == "reasoning")

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that are to be run."""
        return [part for part in self.parts if isinstance(part, ToolCall)]

    @property
    def parts(self) -> Sequence[Text | Reasoning | ToolCall]:
        """All parts that hold anything, whole."""
        found = [part.part for part in self.own]
        return [part for part in found if part not in (Text(""), Reasoning(""))]

    @property
    def message(self) -> Message:
        """The answer as a turn of the conversation, to be sent back with the next question."""
        parts: list[AnyPart] = list(self.parts)
        if all(isinstance(part, Text) for part in parts):
            return Message("assistant", self.text)
        return Message("assistant", parts)

    def __repr__(self) -> str:
        return repr(list(self.parts))
