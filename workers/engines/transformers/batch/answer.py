"""One answer in the making: its prompt, its row, the tokens chosen so far and how it ends."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ai_pal.protocol.content import Alternative, FinishReason, TokenLogprob
from ai_pal.protocol.usage import Usage
from workers.engines.base import ANSWER, OpenPart, Sink
from workers.engines.thought_ends import ThoughtEnds
from workers.engines.transformers.decoding.lookup import Lookup
from workers.engines.transformers.guiding.guide import Guide
from workers.engines.transformers.options import Sampling
from workers.engines.transformers.parts.parts import Parts, Piece
from workers.engines.transformers.parts.text import Detokenizer, Stops

if TYPE_CHECKING:
    from workers.engines.transformers.decoding.sampling import Probable, Seen


PROBE_SHARE = 0.1
"""Of the tokens of a prompt that are computed, so many may be added for a probe."""


class Prompt(msgspec.Struct, frozen=True):
    """A request as the engine thread gets it: rendered, trimmed and in tokens. `guide` steers the answer,
    `parts` takes it apart, both only where that is needed; with `single_call` it ends behind its first call.
    `prefill` is how the answer begins, at the end of the prompt; `inputs` are its pictures; `ends` takes
    tags out of an answer whose thought was ended for the model; `mark` is that of a kept conversation,
    `saved` the row that was kept of it. `scored` is how many of its last tokens are to be told with their
    probabilities. With `watch` the numbers of each token of the answer are told; `hidden` are the tokens of a
    probe, `among` what it is among."""

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
    mark: str = ""
    saved: Any = None
    scored: int = 0
    watch: bool = False
    hidden: list[int] = []
    among: list[str] = []


class Generation:
    """Owned by the engine thread. `todo` are the tokens to compute next."""

    def __init__(
        self,
        prompt: Prompt,
        row: Any,
        sampler: Any,
        ends: frozenset[int],
        sink: Sink,
        lookup: Lookup | None = None,
    ) -> None:
        self.key = prompt.key
        self.row = row
        self.sampler = sampler
        self.prompt = prompt
        self.guide = prompt.guide
        self.todo = prompt.tokens[len(row.tokens) :]
        self.guesses: list[int] = []
        """What may follow `todo`, to be computed with it."""
        self.hidden = prompt.hidden if self._is_worth(prompt) else []
        """What is computed behind the prompt's last token, for once, and thrown away."""
        self.finish_reason: FinishReason | Literal[""] = ""
        self._lookup = lookup
        self._guessed = self._right = 0
        self._parts = prompt.parts
        self._cached = len(row.tokens)
        self._ends = frozenset() if prompt.sampling.ignore_eos and prompt.guide is None else ends
        self._detokenizer = Detokenizer(prompt.decode)
        self._stops = Stops(prompt.stop)
        self._sink = sink
        self._count = self._unsent = 0
        self._probable: list[TokenLogprob] = []
        self._entropies: list[float] = []
        self._logprobs: list[float] = []
        self._scores: list[TokenLogprob] = []
        self._has_told_scores = False
        self._started = time.monotonic()
        self._first = 0.0

    def _is_worth(self, prompt: Prompt) -> bool:
        """Whether a probe costs little beside what is computed of the prompt."""
        return len(prompt.hidden) <= PROBE_SHARE * len(self.todo)

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
        return Usage(len(self.prompt.tokens), self._cached, self._count, self._guessed, self._right)

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

    def tell_seen(self, token: int, seen: "Seen", logit: float) -> None:
        """How unsure the model was of the token that is taken next."""
        if token not in self._ends:
            self._entropies.append(seen.entropy)
            self._logprobs.append(logit - seen.total)

    def tell_probed(self, entropy: float) -> None:
        """What the probe has come to; it is over."""
        self.hidden = []
        if math.isfinite(entropy):
            self._sink.probed(self.key, entropy)

    def score(self, at: int, probable: "Sequence[Probable]") -> None:
        """How probable the tokens of the prompt behind place `at` are; tells of all when it has the last."""
        prompt, bytes_of = self.prompt, self.prompt.bytes_of
        assert bytes_of is not None
        first = len(prompt.tokens) - prompt.scored
        if not self._scores and not first:
            token = prompt.tokens[0]
            self._scores.append(TokenLogprob(bytes_of(token), float("-inf"), token))
        for place, one in enumerate(probable, at + 1):
            if place >= first:
                top = [
                    Alternative(bytes_of(other), logprob, other)
                    for other, logprob in zip(one.tokens, one.logprobs, strict=True)
                ]
                token = prompt.tokens[place]
                self._scores.append(TokenLogprob(bytes_of(token), one.chosen, token, top))
        if len(self._scores) == prompt.scored and not self._has_told_scores:
            self._has_told_scores = True  # the last token may come alone, and has none behind it
            self._sink.prompt_logprobs(self.key, self._scores)

    def guess(self, room: int) -> None:
        """Guess what follows the token that was taken last, at most `room` tokens."""
        self.guesses = [] if self._lookup is None else self._lookup.guess(room)

    def checked(self, right: int) -> None:
        """So many of the guesses were taken."""
        if self._lookup is not None:
            self._lookup.learn(len(self.guesses), right)
        self._guessed += len(self.guesses)
        self._right += right
        self.guesses = []

    def take(self, token: int, has_room: bool) -> None:
        """The next token has been chosen; sets `finish_reason` when it is the last one."""
        if not self._first:
            self._first = time.monotonic()
            self._say(self.prompt.prefill)
        self.todo = [token]
        if token in self._ends:
            self.finish_reason = "stop"
            return
        if self._lookup is not None:
            self._lookup.push(token)
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
        stop = self._stops.found if reason == "stop" else ""
        self._sink.done(self.key, reason, self.usage, prefill, decode, stop)

    def _without_ends(self, text: str) -> str:
        return text if self.prompt.ends is None else self.prompt.ends.push(text)

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._parts is not None:
            self._tell(self._parts.feed(text))
        else:
            self._tell([Piece(ANSWER, text)])

    def _tell(self, pieces: Sequence[Piece]) -> None:
        for part, text in pieces:
            if self._logprobs:
                self._tell_watched(part)
            self._sink.delta(self.key, text, self._unsent, part)
            self._told()

    def _tell_watched(self, part: OpenPart) -> None:
        """Nothing of thoughts."""
        if part.kind != "reasoning":
            self._sink.watched(self.key, self._entropies, self._logprobs)
        self._entropies, self._logprobs = [], []

    def _told(self) -> None:
        if self._probable:
            self._sink.logprobs(self.key, self._probable)
            self._probable = []
        self._unsent = 0
