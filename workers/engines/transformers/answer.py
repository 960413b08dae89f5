"""One answer in the making: its prompt, its row, the tokens chosen so far and how it ends."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_pal.protocol.content import Alternative, FinishReason, TokenLogprob
from ai_pal.protocol.usage import Usage
from workers.engines.base import Sink
from workers.engines.thought_ends import ThoughtEnds
from workers.engines.transformers.guide import Guide
from workers.engines.transformers.options import Sampling
from workers.engines.transformers.parts import Parts, Piece
from workers.engines.transformers.text import Detokenizer, Stops

if TYPE_CHECKING:
    from workers.engines.transformers.sampling import Probable


class Prompt(msgspec.Struct, frozen=True):
    """A request as the engine thread gets it: rendered, trimmed and in tokens. `guide` steers the answer,
    `parts` takes it apart, both only where that is needed; with `single_call` it ends behind its first call.
    `prefill` is how the answer begins, at the end of the prompt; `inputs` are its pictures; `ends` takes
    tags out of an answer whose thought was ended for the model."""

    key: int
    tokens: list[int]
    room: int
    sampling: Sampling
    stop: list[str]
    decode: Callable[[Sequence[int]], str]
    guide: Guide | None = None
    parts: Parts | None = None
    single_call: bool = False
    bytes_of: Callable[[int], bytes] | None = None
    prefill: str = ""
    inputs: dict[str, Any] = {}
    ends: ThoughtEnds | None = None


class Generation:
    """Owned by the engine thread. `todo` are the tokens to compute next."""

    def __init__(self, prompt: Prompt, row: Any, sampler: Any, ends: frozenset[int], sink: Sink) -> None:
        self.key = prompt.key
        self.row = row
        self.sampler = sampler
        self.prompt = prompt
        self.guide = prompt.guide
        self.todo = prompt.tokens[len(row.tokens) :]
        self.finish_reason: FinishReason | Literal[""] = ""
        self._parts = prompt.parts
        self._cached = len(row.tokens)
        self._ends = frozenset() if prompt.sampling.ignore_eos and prompt.guide is None else ends
        self._detokenizer = Detokenizer(prompt.decode)
        self._stops = Stops(prompt.stop)
        self._sink = sink
        self._count = self._unsent = 0
        self._probable: list[TokenLogprob] = []
        self._started = time.monotonic()
        self._first = 0.0

    @property
    def left(self) -> int:
        """Prompt tokens that are not computed yet."""
        return 0 if self._count else len(self.todo)

    def tell_read(self) -> None:
        """Report how much of the prompt is computed or was kept."""
        total = len(self.prompt.tokens)
        self._sink.reading(self.key, total - self.left, total)

    @property
    def usage(self) -> Usage:
        return Usage(len(self.prompt.tokens), self._cached, self._count)

    @property
    def tokens(self) -> list[int]:
        """Everything so far, computed or not."""
        return [*self.row.tokens, *self.todo]

    def tell_probable(self, token: int, probable: "Probable") -> None:
        """How probable the token is that is taken next, and which ones would have been."""
        bytes_of = self.prompt.bytes_of
        if bytes_of is not None and token not in self._ends:
            top = [
                Alternative(bytes_of(other), logprob, other)
                for other, logprob in zip(probable.tokens, probable.logprobs, strict=True)
            ]
            self._probable.append(TokenLogprob(bytes_of(token), probable.chosen, token, top))

    def take(self, token: int, has_room: bool) -> None:
        """The next token has been chosen; sets `finish_reason` when it is the last one."""
        if not self._first:
            self._first = time.monotonic()
            self._say(self.prompt.prefill)
        self.todo = [token]
        if token in self._ends:
            self.finish_reason = "stop"
            return
        self._count += 1
        self._unsent += 1
        text = self._detokenizer.push(token)
        if self.guide is not None:
            text = self.guide.take(token, text)
        self._say(self._stops.push(self._without_ends(text)))
        if self._stops.found or self._is_complete():
            self.finish_reason = "stop"
        elif self._count == self.prompt.sampling.max_tokens or not has_room:
            self.finish_reason = "length"

    def _is_complete(self) -> bool:
        """Nothing may follow: its grammar says so, or it has called the one tool it may call."""
        if self.guide is not None and self.guide.complete:
            return True
        return self.prompt.single_call and self._parts is not None and self._parts.complete > 0

    def end(self) -> None:
        """Report the rest of the text and that the answer is complete."""
        ends = self.prompt.ends
        rest = self._without_ends(self._detokenizer.end()) + (ends.end() if ends is not None else "")
        self._say(self._stops.push(rest) + self._stops.end())
        reason: FinishReason = self.finish_reason or "stop"
        if self._parts is not None:
            self._tell(self._parts.end(cut=reason == "length"))
            if reason == "stop" and self._parts.calls:
                reason = "tool_calls"
        now = time.monotonic()
        prefill, decode = self._first - self._started, now - self._first
        self._sink.done(self.key, reason, self.usage, prefill, decode)

    def _without_ends(self, text: str) -> str:
        return text if self.prompt.ends is None else self.prompt.ends.push(text)

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._parts is not None:
            self._tell(self._parts.feed(text))
        else:
            self._sink.delta(self.key, text, self._unsent)
            self._told()

    def _tell(self, pieces: Sequence[Piece]) -> None:
        for part, text in pieces:
            self._sink.delta(self.key, text, self._unsent, part)
            self._told()

    def _told(self) -> None:
        if self._probable:
            self._sink.logprobs(self.key, self._probable)
            self._probable = []
        self._unsent = 0
