"""The deterministic test engine: says the last user message back, calls the tools that it names, thinks where
that is wanted, and misbehaves on request.

One step makes one token for every active generation, as continuous batching does.
"""

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

import msgspec

from ai_pal import __version__
from ai_pal.errors import Code, Failure, fail
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import (
    CompleteText,
    CountTokens,
    EmbedTexts,
    Generate,
    LoadModel,
    Ready,
    RerankTexts,
)
from workers.context_window import answer_room, fit
from workers.engines.base import Blob, Job, OpenPart, Sink
from workers.engines.echo import faults
from workers.engines.echo.answer import (
    BETWEEN,
    DIMENSIONS,
    EchoAnswer,
    embedding,
    probability,
    prompt_probabilities,
    relevance,
    spelled,
    spelled_out,
    tool_words,
)
from workers.engines.echo.options import (
    DOUBT,
    NAMES,
    LoadOptions,
    RequestOptions,
    abilities_of,
    converted,
    first_fault,
)
from workers.engines.echo.text import WordCounter
from workers.engines.option_names import refuse_unknown

DEFAULT_SLOTS = 1024
DEFAULT_CONTEXT = 1 << 20
LOAD_STEPS = 20
PREFILL_STEPS = 10
SWITCH_SECONDS = 0.0005


class _Generation:
    """One answer in the making. `due` is when its next step is."""

    def __init__(self, request: Generate, options: RequestOptions, prompt_tokens: int, now: float) -> None:
        self.key = request.key
        self.answer = EchoAnswer(request, options.tokens, options.chunk)
        self.prefill_text = request.options.prefill
        self.logprobs = request.options.logprobs
        self.watch = request.watch
        self.probe = request.probe is not None
        self.options = options
        self.fault, self.fault_at = first_fault(options)
        self.prompt_tokens = prompt_tokens
        self.token = 0
        self.prefill_left = PREFILL_STEPS if options.prefill_seconds else 0
        self.prefill = 0.0
        self.started = self.due = now
        self.cancelled = False

    @property
    def read(self) -> int:
        """Tokens of the prompt that the steps so far stand for."""
        return self.prompt_tokens * (PREFILL_STEPS - self.prefill_left) // PREFILL_STEPS

    @property
    def doubt(self) -> float:
        """What it says of each token."""
        return self.options.doubt or 0.0

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=self.prompt_tokens, completion_tokens=self.token)


class Echo:
    """See the module, and `options` for what it can be told."""

    def __init__(self) -> None:
        self._sink: Sink
        self._context, self._pace, self._doubt = DEFAULT_CONTEXT, 0.0, DOUBT
        self._arrived: deque[_Generation] = deque()
        self._to_cancel: deque[int] = deque()
        self._changed = threading.Event()
        self._leaked: list[bytearray] = []
        self._closed = False

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Behave as `spec.options` say. Raises `AiPalError` (`model_failed`, `bad_request`)."""
        started = time.monotonic()
        options = converted(spec.options, LoadOptions)
        self._sink = sink
        for step in range(LOAD_STEPS):
            sink.progress(step / LOAD_STEPS)
            if step == LOAD_STEPS // 2:
                self._misbehave(options)
            time.sleep(options.load_seconds / LOAD_STEPS)
        sink.progress(1.0)
        self._context = spec.context or options.context or DEFAULT_CONTEXT
        self._pace, self._doubt = options.pace, options.doubt
        sys.setswitchinterval(SWITCH_SECONDS)  # flat out, this thread would starve the loop for 5 ms
        threading.Thread(target=self._run, name="echo", daemon=True).start()
        slots = spec.slots or options.slots or DEFAULT_SLOTS
        abilities = abilities_of(options.abilities)
        return Ready(slots, self._context, time.monotonic() - started, f"echo {__version__}", 1, abilities)

    def _misbehave(self, options: LoadOptions) -> None:
        self._leaked.append(faults.leak(options.leak_mb))
        if options.load_fail:
            fail(Code.MODEL_FAILED, options.load_fail)
        if options.load_exit is not None:
            faults.exit_now(options.load_exit)
        if options.load_kill is not None:
            faults.kill_self(options.load_kill)
        if options.load_hang:
            faults.hang()
        if options.load_hold_gil:
            faults.hold_gil(options.load_hold_gil)

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Raises `AiPalError` (`bad_request`, `prompt_too_large`)."""
        match job:
            case Generate():
                self._generate(job, blobs)
            case CompleteText():
                prompt = job.prompt if isinstance(job.prompt, str) else spelled(job.prompt)
                said = prompt if job.suffix is None else BETWEEN
                if job.prompt_logprobs:
                    scored = prompt_probabilities(prompt, job.options.logprobs or 0)
                    self._sink.prompt_logprobs(job.key, scored)
                self._generate(Generate(job.key, [Message("user", said)], job.options), ())
            case CountTokens():
                counter = WordCounter(tool_words(job.options))
                self._sink.counted(job.key, counter.conversation(spelled_out(job.messages, blobs)))
            case EmbedTexts():
                dimensions = job.dimensions or DIMENSIONS
                texts = [text if isinstance(text, str) else spelled(text) for text in job.texts]
                if job.truncate:
                    texts = [" ".join(text.split()[: self._context]) for text in texts]
                vectors = b"".join(embedding(text, dimensions) for text in texts)
                self._sink.embedded(job.key, vectors, dimensions, _usage_of(texts))
            case RerankTexts():
                scores = [relevance(job.query, text) for text in job.texts]
                self._sink.reranked(job.key, scores, _usage_of([job.query, *job.texts]))

    def _generate(self, request: Generate, blobs: Sequence[Blob]) -> None:
        refuse_unknown(request.options.extra, NAMES, "the echo engine")
        options = converted(request.options.extra, RequestOptions)
        if self._pace and not options.pace:
            options = msgspec.structs.replace(options, pace=self._pace)
        if options.doubt is None:
            options = msgspec.structs.replace(options, doubt=self._doubt)
        room = answer_room(request.options, self._context)
        counter = WordCounter(tool_words(request.options))
        fitted = fit(
            spelled_out(request.messages, blobs), counter, self._context, room, trims=request.options.trim
        )
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        tokens = counter.conversation(fitted.messages)
        if options.block_at is not None:
            faults.prepare_block()
        self._leaked.append(faults.leak(options.leak_mb))
        request = msgspec.structs.replace(request, messages=fitted.messages)
        self._arrived.append(_Generation(request, options, tokens, time.monotonic()))
        self._changed.set()

    def cancel(self, key: int) -> None:
        self._to_cancel.append(key)
        self._changed.set()

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    # The engine's own thread.

    def _run(self) -> None:
        active: list[_Generation] = []
        while not self._closed:
            if self._arrived or self._to_cancel:
                self._admit(active)
            now = time.monotonic()
            due = min([one.due for one in active], default=None)
            if due is None or due > now:
                self._changed.wait(None if due is None else due - now)
                self._changed.clear()
                continue
            self._sink.step()
            active = [one for one in active if one.due > now or self._advance(one, now)]

    def _admit(self, active: list[_Generation]) -> None:
        while self._arrived:
            active.append(self._arrived.popleft())
        while self._to_cancel:
            key = self._to_cancel.popleft()
            for one in active:
                if one.key == key:
                    one.cancelled, one.due = True, 0.0

    def _advance(self, one: _Generation, now: float) -> bool:
        """Make one step of one generation; False when it has ended."""
        if one.cancelled:
            self._sink.cancelled(one.key, one.usage)
            return False
        if one.prefill_left:
            self._sink.reading(one.key, one.read, one.prompt_tokens)
            one.prefill_left -= 1
            one.due = now + one.options.prefill_seconds / PREFILL_STEPS
            return True
        if one.token == 0:
            self._sink.reading(one.key, one.prompt_tokens, one.prompt_tokens)
            self._begin(one, now)
        if one.token == one.fault_at:
            one.fault_at = -1
            if not self._survives(one):
                return False
        piece = next(one.answer.pieces, None)
        if one.prefill_text and (piece is None or piece[0].kind == "text"):
            self._sink.delta(one.key, one.prefill_text, 0, one.answer.text_part)
            one.prefill_text = ""
        if piece is None:
            decode = now - one.started - one.prefill
            said = one.answer
            self._sink.done(one.key, said.finish_reason, one.usage, one.prefill, decode, said.stop)
            return False
        self._say(one, *piece)
        one.token += 1
        one.due += one.options.pace
        return True

    def _begin(self, one: _Generation, now: float) -> None:
        one.prefill = now - one.started
        if one.probe:
            self._sink.probed(one.key, one.doubt)
            one.probe = False

    def _say(self, one: _Generation, part: OpenPart, text: str) -> None:
        if one.watch and part.kind != "reasoning":
            self._sink.watched(one.key, [one.doubt], [-one.doubt])
        self._sink.delta(one.key, text, 1, part)
        if one.logprobs is not None:
            self._sink.logprobs(one.key, [probability(text, one.token, one.logprobs)])

    def _survives(self, one: _Generation) -> bool:
        match one.fault:
            case "exit":
                faults.exit_now(1)
            case "kill":
                faults.kill_self(signal.SIGKILL)
            case "hang":
                faults.hang()
            case "block":
                faults.block_main_thread()
            case "hold_gil":
                faults.hold_gil(faults.FOR_EVER)
            case "fail":
                self._sink.failed(
                    one.key, Failure(Code.ENGINE_ERROR, f"failed at token {one.token}, as asked")
                )
                return False
        return True


def _usage_of(texts: Sequence[str]) -> Usage:
    return Usage(prompt_tokens=sum(map(WordCounter().content, texts)))
