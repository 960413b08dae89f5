"""A sink that remembers, and an engine in this process to go with it."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, Message, TokenLogprob
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Generate, LoadModel, Ready
from workers.engines.base import ANSWER, Job, OpenPart
from workers.engines.transformers.engine import Transformers
from workers.engines.transformers.prompts.prompts import Prompts

TIMEOUT = 120.0


class Part(msgspec.Struct):
    """One part of an answer."""

    kind: str
    name: str = ""
    call: str = ""
    text: str = ""


class Answer(msgspec.Struct):
    """What was reported for one key. `parts` are the pieces of its text, `grown` all parts by their place."""

    parts: list[str] = []
    grown: dict[int, Part] = {}
    logprobs: list[TokenLogprob] = []
    prompt_logprobs: list[TokenLogprob] = []
    watched: list[tuple[float, float]] = []
    probed: list[float] = []
    vectors: bytes = b""
    scores: list[float] = []
    counted: int = 0
    tokens: int = 0
    trimmed: int = 0
    readings: list[tuple[int, int]] = []
    usage: Usage = Usage()
    finish_reason: str = ""
    cancelled: bool = False
    failure: Failure | None = None

    @property
    def ended(self) -> bool:
        return bool(self.finish_reason or self.cancelled or self.failure)

    def of_kind(self, kind: str) -> list[Part]:
        return [self.grown[place] for place in sorted(self.grown) if self.grown[place].kind == kind]

    @property
    def thought(self) -> str:
        return "".join(part.text for part in self.of_kind("reasoning"))

    @property
    def text(self) -> str:
        return "".join(self.parts)


class Recorder:
    """Thread-safe enough: each key is reported by one thread at a time."""

    def __init__(self) -> None:
        self.answers: dict[int, Answer] = {}
        self.fractions: list[float] = []
        self.steps = 0
        self._changed = threading.Condition()

    def of(self, key: int) -> Answer:
        return self.answers.setdefault(key, Answer())

    def wait_for_end(self, key: int) -> Answer:
        answer = self.of(key)
        with self._changed:
            ended = self._changed.wait_for(lambda: answer.ended, TIMEOUT)
        assert ended, "no end came"
        return answer

    def wait_for_text(self, key: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.of(key).parts), TIMEOUT)

    def step(self) -> None:
        self.steps += 1

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def delta(self, key: int, text: str, n: int = 1, part: OpenPart = ANSWER) -> None:
        with self._changed:
            answer = self.of(key)
            if part.kind == "text":
                answer.parts.append(text)
            grown = answer.grown.setdefault(part.place, Part(part.kind, part.name, part.call))
            assert (grown.kind, grown.name, grown.call) == (part.kind, part.name, part.call)
            grown.text += text
            answer.tokens += n
            self._changed.notify_all()

    def logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        self.of(key).logprobs += tokens
        assert len(self.of(key).logprobs) <= self.of(key).tokens

    def watched(self, key: int, entropies: Sequence[float], logprobs: Sequence[float]) -> None:
        self.of(key).watched += zip(entropies, logprobs, strict=True)

    def probed(self, key: int, entropy: float) -> None:
        assert not self.of(key).parts
        self.of(key).probed.append(entropy)

    def prompt_logprobs(self, key: int, tokens: list[TokenLogprob]) -> None:
        assert not self.of(key).prompt_logprobs
        assert not self.of(key).parts
        self.of(key).prompt_logprobs = tokens

    def trimmed(self, key: int, dropped: int, context: int) -> None:
        self.of(key).trimmed = dropped

    def reading(self, key: int, done: int, total: int) -> None:
        self.of(key).readings.append((done, total))

    def done(
        self,
        key: int,
        finish_reason: FinishReason,
        usage: Usage,
        prefill: float,
        decode: float,
        stop: str = "",
    ) -> None:
        self._end(key, usage=usage, finish_reason=finish_reason)

    def embedded(self, key: int, vectors: bytes, dimensions: int, usage: Usage) -> None:
        self._end(key, vectors=vectors, usage=usage, finish_reason="stop")

    def reranked(self, key: int, scores: list[float], usage: Usage) -> None:
        self._end(key, scores=scores, usage=usage, finish_reason="stop")

    def counted(self, key: int, tokens: int) -> None:
        self._end(key, counted=tokens, finish_reason="stop")

    def cancelled(self, key: int, usage: Usage) -> None:
        self._end(key, usage=usage, cancelled=True)

    def failed(self, key: int, failure: Failure) -> None:
        self._end(key, failure=failure)

    def _end(self, key: int, **values: Any) -> None:
        with self._changed:
            answer = self.of(key)
            assert not answer.ended, "it ended twice"
            for name, value in values.items():
                setattr(answer, name, value)
            self._changed.notify_all()


class Loaded:
    """A loaded engine; close it. `prefixes` is where it may save what it has read, `prefix_bytes` in all. One
    thread: two wait for each other, thirty times as long as a tiny model takes."""

    def __init__(
        self,
        folder: Path,
        context: int = 0,
        prefixes: Path | None = None,
        prefix_bytes: int = 0,
        now: Callable[[], float] = time.time,
        **options: object,
    ) -> None:
        self.folder, self.sink = folder, Recorder()
        self.engine = Transformers(now)
        spec = LoadModel("m", "transformers", str(folder), threads=1, context=context, options=options)
        if prefixes is not None:
            spec = msgspec.structs.replace(spec, prefixes=str(prefixes), prefix_bytes=prefix_bytes)
        self.ready: Ready = self.engine.load(spec, self.sink)
        self._keys = iter(range(1, 1_000_000))

    def begin(self, said: str | list[Message], options: GenerationOptions) -> int:
        key = next(self._keys)
        messages = [Message("user", said)] if isinstance(said, str) else said
        self.engine.start(Generate(key, messages, options), ())
        return key

    @property
    def prompts(self) -> Prompts:
        found = self.engine._prompts
        assert found is not None
        return found

    def do(self, make: Callable[[int], Job], blobs: Sequence[bytes] = ()) -> Answer:
        """A job of any kind, made for a key."""
        job = make(next(self._keys))
        self.engine.start(job, blobs)
        return self.sink.wait_for_end(job.key)

    def ask(self, said: str | list[Message], options: GenerationOptions) -> Answer:
        return self.sink.wait_for_end(self.begin(said, options))
