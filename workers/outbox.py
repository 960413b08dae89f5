"""The queue from the engine's threads to the worker's loop: bounded, and what waits is merged.

Text that waits for the same request becomes one item, and everything that waits leaves together.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, TokenLogprob
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    Counted,
    Embedded,
    FromWorker,
    GenerationCancelled,
    GenerationDone,
    GenerationFailed,
    LoadProgress,
    Probabilities,
    Probed,
    Reading,
    Reranked,
    Trimmed,
    Watched,
    encode,
)
from workers.engines.base import ANSWER, OpenPart
from workers.pace import Pace
from workers.reading import PromptReading
from workers.repeats import Repeats
from workers.stream import Item, Stream, encoded
from workers.watching import Watching

LIMIT = 64 * 1024
"""Characters (plus a small charge per delta) that may wait before `delta` blocks."""

CHARGE = 32
"""What a delta counts for beyond its characters, so that empty ones are bounded too; and each probability."""


class Outbox:
    """The `Sink` of an engine. Any thread reports, the loop alone calls `take` when `wake_fd` is readable.

    Reports of a key that is not open, or has ended, are ignored: a generation ends exactly once.
    """

    def __init__(self, limit: int = LIMIT, clock: Callable[[], float] = time.monotonic) -> None:
        self.wake_fd, self._signal_fd = os.pipe()
        os.set_blocking(self.wake_fd, False)
        os.set_blocking(self._signal_fd, False)
        self.steps = 0
        self._limit, self._clock = limit, clock
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._streams: dict[int, Stream] = {}
        self._waiting: dict[int, Stream] = {}
        self._probable: dict[int, Stream] = {}
        self._beside = 0
        self._read: dict[int, PromptReading] = {}
        self._repeating: list[int] = []
        self._size = 0
        self._before: list[FromWorker] = []
        self._after: list[FromWorker] = []
        self._woken = False
        self._closed = False
        self.pace = Pace()

    # The loop's side.

    @property
    def active(self) -> int:
        """How many open jobs take a slot."""
        return len(self._streams) - self._beside

    @property
    def beside(self) -> int:
        """How many open jobs take none."""
        return self._beside

    def open(
        self,
        key: int,
        repeats: Repeats | None = None,
        watching: Watching | None = None,
        *,
        takes_slot: bool = True,
    ) -> bool:
        """Admit reports for `key`; False when it is open already. Text after which it `repeats` itself is its
        last: `repeating` names the key then, and its engine's `cancelled` counts as `done`. Who is
        `watching` makes its doubt."""
        with self._lock:
            if key in self._streams:
                return False
            self._streams[key] = Stream(repeats, watching, takes_slot)
            self._beside += not takes_slot
            return True

    def cancel(self, key: int) -> None:
        """Drop further text of `key` and let an engine that waits for room go on."""
        with self._lock:
            stream = self._streams.get(key)
            if stream is not None:
                stream.cancelled = True
                self._read.pop(key, None)
                self._room.notify_all()

    def repeating(self) -> list[int]:
        """Keys to be stopped, each once: nothing new comes of them."""
        with self._lock:
            keys, self._repeating = self._repeating, []
            return keys

    def close(self) -> None:
        """Drop everything that comes from now on; nobody waits any more."""
        with self._lock:
            self._closed = True
            self._streams.clear()
            self._beside = 0
            self._room.notify_all()

    def take(self, *, held: bool = False) -> list[bytes]:
        """All that waits, if some of it has to leave by now, or what is `held` back is wanted too: encoded
        messages in the order in which they must arrive."""
        with self._lock:
            if not (self._woken or held) and self.pace.due and self.pace.holds(self._clock()):
                return []
            self._woken = False
            if self._is_empty():
                return []
            before, self._before = self._before, []
            read = [Reading(key, *one.said()) for key, one in self._read.items()]
            self._read.clear()
            waiting, self._waiting = self._waiting, {}
            after, self._after = self._after, []
            watched, items = _waiting_of(waiting)
            runs: list[tuple[int, list[tuple[int, list[TokenLogprob]]]]] = []
            if self._probable:
                runs = [(key, stream.probabilities) for key, stream in self._probable.items()]
                for stream in self._probable.values():
                    stream.probabilities = []
                self._probable.clear()
            if self._size >= self._limit:
                self._room.notify_all()
            self._size = 0
            if items:
                self.pace.sent(self._clock())
        frames = [encode(message) for message in (*before, *read, *watched)]
        if items:
            frames.append(encoded(items))
        frames += [encode(Probabilities(key, *run)) for key, of_key in runs for run in of_key]
        frames += map(encode, after)
        return frames

    def _is_empty(self) -> bool:
        if self._waiting or self._after or self._before or self._read or self._probable:
            return False
        if self.pace.due:
            self.pace.nothing(self._clock())
        return True

    def acknowledge(self) -> None:
        """Make `wake_fd` unreadable until something new is reported."""
        with suppress(BlockingIOError):
            os.read(self.wake_fd, 4096)

    # The engine's side, any thread.

    def wake(self) -> None:
        """Make `wake_fd` readable, so that the loop looks for what waits."""
        with suppress(BlockingIOError):  # full: the loop has reasons enough to come round
            os.write(self._signal_fd, b"\0")

    def step(self) -> None:
        self.steps += 1

    def progress(self, fraction: float) -> None:
        self._report(self._before, LoadProgress(min(max(fraction, 0.0), 1.0)))

    def delta(self, key: int, text: str, n: int = 1, part: OpenPart = ANSWER) -> None:
        with self._lock:
            stream = self._streams.get(key)
            if stream is None:
                return
            while self._size >= self._limit and not (stream.cancelled or self._closed):
                self._room.wait()
            if stream.cancelled or self._closed:
                return
            if stream.reading is not None:
                if stream.reading.finish(self._clock()):
                    self._read[key] = stream.reading
                stream.reading = None
            if part is not stream.part and part != stream.part:
                stream.turn_to(key, part)
            if not stream.texts:
                self._waiting[key] = stream
            self._size += len(text) + CHARGE
            if stream.grow(text, n):
                self._repeating.append(key)
            if self._woken or self._may_wait(stream):
                return
            self._woken = True
        self.wake()

    def logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        """Of the last tokens that were reported, as many; they leave behind them, and before the end."""
        with self._lock:
            stream = self._streams.get(key)
            if stream is None or stream.cancelled or not tokens:
                return
            stream.add_probabilities(tokens)
            self._probable[key] = stream
            self._size += CHARGE * sum(1 + len(token.top) for token in tokens)
            if self._woken or self._may_wait(stream):
                return
            self._woken = True
        self.wake()

    def _may_wait(self, stream: Stream) -> bool:
        """With the lock: whether the loop comes soon enough by itself."""
        return bool(self.pace.due and stream.seq and self._size < self._limit and not stream.cancelled)

    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        if key in self._streams:
            self._report(self._before, Probabilities(key, 0, tokens, prompt=True))

    def watched(self, key: int, entropies: Sequence[float], logprobs: Sequence[float]) -> None:
        """They leave before the text that comes next."""
        with self._lock:
            stream = self._streams.get(key)
            if stream is not None and not stream.cancelled and stream.watching is not None:
                stream.watching.see(entropies, logprobs)
                self._size += 2 * CHARGE * len(logprobs)

    def probed(self, key: int, entropy: float) -> None:
        if key in self._streams:
            self._report(self._before, Probed(key, entropy))

    def trimmed(self, key: int, dropped: int, context: int) -> None:
        if key in self._streams:
            self._report(self._before, Trimmed(key, dropped, context))

    def reading(self, key: int, done: int, total: int) -> None:
        """Of each prompt the latest figure waits, and only until its first text."""
        with self._lock:
            stream, now = self._streams.get(key), self._clock()
            if stream is None or stream.cancelled or stream.seq or stream.tokens:
                return
            if stream.reading is None:
                stream.reading = PromptReading(now)
            if not stream.reading.learn(done, total, now):
                return
            self._read[key] = stream.reading
            self._woken = True
        self.wake()

    def done(
        self,
        key: int,
        finish_reason: FinishReason,
        usage: Usage,
        prefill: float,
        decode: float,
        stop: str = "",
    ) -> None:
        stream = self._streams.get(key)
        watching = None if stream is None else stream.watching
        doubt = None if watching is None else watching.doubt(finish_reason)
        seq = self._position(key)
        self._end(
            key, GenerationDone(key, finish_reason, usage, prefill, decode, seq, stop=stop, doubt=doubt)
        )

    def embedded(self, key: int, vectors: bytes, dimensions: int, usage: Usage) -> None:
        self._end(key, Embedded(key, vectors, dimensions, usage))

    def reranked(self, key: int, scores: list[float], usage: Usage) -> None:
        self._end(key, Reranked(key, scores, usage))

    def counted(self, key: int, tokens: int) -> None:
        self._end(key, Counted(key, tokens))

    def cancelled(self, key: int, usage: Usage) -> None:
        stream = self._streams.get(key)
        if stream is not None and stream.repeats is not None and stream.repeats_itself:
            watching, ends = stream.watching, stream.repeats.ends
            doubt = None if watching is None else watching.doubt(ends, repeats=True)
            end = GenerationDone(key, ends, usage, seq=self._position(key), repeats=True, doubt=doubt)
            self._end(key, end)
        else:
            self._end(key, GenerationCancelled(key, usage))

    def failed(self, key: int, failure: Failure) -> None:
        self._end(key, GenerationFailed(key, failure))

    def _position(self, key: int) -> int:
        """The sequence number that the next delta of `key` would have."""
        with self._lock:
            stream = self._streams.get(key)
            return -1 if stream is None else stream.seq + stream.tokens

    def _end(self, key: int, message: FromWorker) -> None:
        with self._lock:
            stream = self._streams.pop(key, None)
            if stream is None:
                return
            self._beside -= not stream.takes_slot
            self._after.append(message)
            self._woken = True
        self.wake()

    def _report(self, queue: list[FromWorker], message: FromWorker) -> None:
        with self._lock:
            queue.append(message)
            self._woken = True
        self.wake()


def _waiting_of(streams: dict[int, Stream]) -> tuple[list[Watched], list[Item]]:
    """The numbers and the text that wait of each stream."""
    watched: list[Watched] = []
    items: list[Item] = []
    for key, stream in streams.items():
        if stream.watching is not None and stream.watching.logprobs:
            watched.append(Watched(key, *stream.watching.take()))
        if stream.earlier:
            items += stream.earlier
            stream.earlier = []
        items.append(stream.take(key))
    return watched, items
