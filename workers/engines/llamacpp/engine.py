"""llama.cpp through `xllamacpp`: one in-process server, one thread per running request."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from ai_pal.errors import Failure
from ai_pal.formats import adapters
from ai_pal.formats.gguf import check_whole, pooling_of, read_header
from ai_pal.formats.projector import projector_of
from ai_pal.protocol.windows import slots_of, windows_of
from ai_pal.protocol.worker import (
    CompleteText,
    CountTokens,
    EmbedTexts,
    Generate,
    LoadModel,
    Ready,
    RerankTexts,
)
from workers import threads
from workers.engines.base import Blob, Job, Sink
from workers.engines.llamacpp import vectors
from workers.engines.llamacpp.answer import Generation
from workers.engines.llamacpp.attachments import Attachments
from workers.engines.llamacpp.failures import attempt
from workers.engines.llamacpp.loading import (
    fingerprint,
    import_xllamacpp,
    keeps_prefixes,
    load_options,
    own_template,
    parameters_for,
    window,
)
from workers.engines.llamacpp.prefixes import Prefixes
from workers.engines.llamacpp.prompts import Counting, Prompts, learned
from workers.engines.llamacpp.request import (
    with_place,
)
from workers.engines.llamacpp.room import Room
from workers.engines.llamacpp.scoring import beginning
from workers.engines.llamacpp.server import Server
from workers.engines.llamacpp.speculation import Speculation, speculation, try_draft
from workers.engines.llamacpp.trial import try_out
from workers.engines.llamacpp.writing import Writing
from workers.kept_prefixes import KeptPrefixes
from workers.kv_budget import KvBudget, OwnWindows
from workers.load_limits import limits

BYTES_PER_NUMBER = 4
"""At most, in the cache."""
CACHE_BYTES = 2
"""Of a number, in the cache as it is made here."""


class LlamaCpp:
    """`_lock` guards `_answers` and what `_room` is left; the rest is set once by `load`."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._server: Server
        self._sink: Sink
        self._writing: Writing
        self._context = 0
        self._pool: ThreadPoolExecutor
        self._counting: Counting | None = None
        self._lock = threading.Condition()
        self._answers: dict[int, Generation] = {}
        self._room: Room
        self._prefixes: Prefixes | None = None

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Holds the GIL while llama.cpp loads. Raises `AiPalError` (`engine_missing`, `model_invalid`)."""
        started = time.monotonic()
        self._sink = sink
        sink.progress(0.0)
        header = read_header(Path(spec.path))
        check_whole(Path(spec.path))
        adapters.check(spec.options, spec.engine, spec.path)
        count = spec.threads or threads.default_count()
        xllamacpp = import_xllamacpp()
        slots, windows = slots_of(spec), windows_of(spec)
        self._context = window(spec, header)
        options = load_options(spec)
        projector = projector_of(Path(spec.path), header, options.mmproj)
        guesses = speculation(spec, options.speculate, header, sees=projector is not None)
        parameters = parameters_for(xllamacpp, spec, header, count, self._context, projector, guesses)
        size = header.size + (projector.header.size if projector is not None else 0)
        cells = header.kv_values * self._context * windows
        if guesses.draft is not None:
            drafting = read_header(guesses.draft)
            size, cells = size + drafting.size, cells + drafting.kv_values * self._context
        budget = KvBudget(self._context) if windows == 1 else OwnWindows(self._context)
        # where tokens are guessed llama.cpp's own window is larger than that of a request
        most = self._context if guesses.most else math.inf
        self._room = Room(self._lock, budget, self._context, most)
        with limits(size, cells * BYTES_PER_NUMBER):
            self._server = Server(xllamacpp, parameters, spec.path, header, projector)
            pooling = pooling_of(header)
            prompts = None if pooling else self._learned(guesses, own_template(spec, options))
        if prompts is None:
            abilities = vectors.of_vectors(pooling)
        else:
            if keeps_prefixes(spec) and guesses.draft is None and not guesses.ahead:
                token_bytes = header.kv_values * CACHE_BYTES
                files = KeptPrefixes(Path(spec.prefixes), spec.prefix_bytes, fingerprint(spec, parameters))
                self._prefixes = Prefixes(self._server.asker, files, token_bytes, prompts.tokens)
            self._counting = Counting(prompts, sink)
            self._writing = Writing(
                self._server, sink, prompts, self._room, context=self._context, trained=header.context,
                prefixes=self._prefixes,
            )  # fmt: skip
            abilities = [one for one in prompts.abilities if one != "logprobs" or not guesses.most]
        self._pool = ThreadPoolExecutor(slots, "answer")
        sink.progress(1.0)
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(slots, self._context, time.monotonic() - started, name, count, abilities)

    def _learned(self, guesses: Speculation, template: str) -> Prompts:
        """How a model that writes is asked. Raises `AiPalError` (`model_invalid`)."""
        try_out(self._server.engine)
        try_draft(self._server.engine, guesses)
        return learned(self._server.asker, self._context, self._now, template)

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        if isinstance(job, CountTokens):
            assert self._counting is not None  # a model that writes nothing cannot be asked for this
            self._counting.start(job, blobs)
            return
        answer = Generation(job.key, self._sink)
        with self._lock:
            self._answers[job.key] = answer
        self._pool.submit(self._run, job, answer, blobs)

    def cancel(self, key: int) -> None:
        with self._lock:
            if key in self._answers:
                self._answers[key].cancelled = True
                self._lock.notify_all()

    def save_prefixes(self, seconds: float) -> None:
        """What runs is stopped for it."""
        if self._prefixes is None:
            return
        until = time.monotonic() + seconds
        with self._lock:
            for answer in self._answers.values():
                answer.cancelled = True
            self._lock.notify_all()
            self._lock.wait_for(lambda: not self._answers, timeout=seconds / 2)
        self._prefixes.save(until - time.monotonic())

    def close(self) -> None:
        self._server.close()

    # One thread per request.

    def _run(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        answer.failure = self._failure_of(job, lambda: self._do(job, answer, blobs))
        if isinstance(job, Generate | CompleteText):
            answer.failure = with_place(answer.failure, job.options)
        with self._lock:
            self._answers.pop(job.key, None)
            self._room.leave(job.key)
        if answer.failure is not None or not isinstance(job, EmbedTexts | RerankTexts):
            answer.end()

    def _failure_of(self, job: Job, work: Callable[[], None]) -> Failure | None:
        """Do the work; why it failed, if it did."""
        if failure := attempt(job.key, work):
            return failure
        with self._lock:
            answer = self._answers.get(job.key)
        return None if answer is None else answer.failure

    def _do(self, job: Job, answer: Generation, blobs: Sequence[Blob]) -> None:
        match job:
            case Generate():
                with Attachments(blobs) as attachments:
                    self._writing.answer(job, answer, attachments)
            case CompleteText():
                self._writing.complete(job, answer)
            case EmbedTexts():
                if job.truncate:
                    texts = [beginning(self._server.asker, text, self._context) for text in job.texts]
                    job = msgspec.structs.replace(job, texts=texts)
                vectors.embed(self._server.engine, job, self._sink, lambda: answer.cancelled)
            case RerankTexts():
                vectors.rerank(self._server.engine, job, self._sink, lambda: answer.cancelled)
