"""One answer in the making: its prompt, its row, the tokens chosen so far and how it ends."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.usage import Usage
from workers.engines.base import Sink
from workers.engines.transformers.options import Sampling
from workers.engines.transformers.text import Detokenizer, Stops


class Prompt:
    """A request as the engine thread gets it: rendered, trimmed and in tokens."""

    def __init__(self, key: int, tokens: list[int], room: int, sampling: Sampling, stop: list[str]) -> None:
        self.key = key
        self.tokens = tokens
        self.room = room
        self.sampling = sampling
        self.stop = stop


class Generation:
    """Owned by the engine thread. `todo` are the tokens to compute next."""

    def __init__(
        self,
        prompt: Prompt,
        row: Any,
        sampler: Any,
        ends: frozenset[int],
        decode: Callable[[Sequence[int]], str],
        sink: Sink,
    ) -> None:
        self.key = prompt.key
        self.row = row
        self.sampler = sampler
        self.prompt = prompt
        self.todo = prompt.tokens[len(row.tokens) :]
        self.finish_reason: FinishReason | Literal[""] = ""
        self._cached = len(row.tokens)
        self._ends = frozenset() if prompt.sampling.ignore_eos else ends
        self._detokenizer = Detokenizer(decode)
        self._stops = Stops(prompt.stop)
        self._sink = sink
        self._count = self._unsent = 0
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

    def take(self, token: int, has_room: bool) -> None:
        """The next token has been chosen; sets `finish_reason` when it is the last one."""
        self._first = self._first or time.monotonic()
        self.todo = [token]
        if token in self._ends:
            self.finish_reason = "stop"
            return
        self._count += 1
        self._unsent += 1
        self._say(self._stops.push(self._detokenizer.push(token)))
        if self._stops.found:
            self.finish_reason = "stop"
        elif self._count == self.prompt.sampling.max_tokens or not has_room:
            self.finish_reason = "length"

    def end(self) -> None:
        """Report the rest of the text and that the answer is complete."""
        self._say(self._stops.push(self._detokenizer.end()) + self._stops.end())
        now = time.monotonic()
        prefill, decode = self._first - self._started, now - self._first
        self._sink.done(self.key, self.finish_reason or "stop", self.usage, prefill, decode)

    def _say(self, text: str) -> None:
        if text:
            self._sink.delta(self.key, text, self._unsent)
            self._unsent = 0
