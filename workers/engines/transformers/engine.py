"""The transformers engine: one thread owns the model and computes all answers together, step by step."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure, fail, pip_install
from ai_pal.formats import adapters
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import (
    LARGEST_DEFAULT_CONTEXT,
    CompleteText,
    CountTokens,
    Generate,
    LoadModel,
    Ready,
)
from workers import spin_throttle, threads
from workers.engines.base import Blob, Job, Sink
from workers.engines.transformers import device as devices
from workers.engines.transformers import environment
from workers.engines.transformers import folder as folders
from workers.engines.transformers.bindings import Bindings
from workers.engines.transformers.chat import Chat
from workers.engines.transformers.failures import attempt
from workers.engines.transformers.folder import Folder
from workers.engines.transformers.options import LoadOptions, Sampling, read_load_options
from workers.engines.transformers.paging import Paging
from workers.engines.transformers.prompts import Prompts
from workers.engines.transformers.schedule import LARGEST_ON_CPU, THREADS_OF_A_GPU, Pace
from workers.engines.transformers.tokens import Tokens

DEFAULT_SLOTS = 8
MOST_READERS = 4
"""Threads that turn messages into tokens."""
SPINS = 300_000
"""Turns that a thread waits before it sleeps: between two operations of a step Python takes its time."""
NEWS = 0.01
"""Smaller progress is not reported."""
PAGED, IMPORTED, PLACED = 0.5, 0.6, 0.9
"""How far the load is when the weights are read, the libraries imported, the weights placed."""


class Transformers:
    """`_lock` guards `_high`; the rest is set once by `load`."""

    def __init__(self) -> None:
        self._sink: Sink
        self._batch: Any = None
        self._prompts: Prompts | None = None
        self._context = 0
        self._pool: ThreadPoolExecutor
        self._lock = threading.Lock()
        self._high = -NEWS

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Raises `AiPalError` (`engine_missing`, `model_invalid`, `config_invalid`)."""
        started = time.monotonic()
        self._sink = sink
        self._progress(0.0)
        options = read_load_options(spec.options)
        folder = folders.look(Path(spec.path))
        adapters.check(spec.options, spec.engine, spec.path)
        self._context = window(spec.context, folder.context)
        load = self._load_encoder if folder.kind in ("embed", "rerank") else self._load_model
        paging = Paging(folder.shards, folder.size, lambda part: self._progress(part * PAGED))
        try:
            import_libraries()
            self._progress(IMPORTED)
            count = spec.threads or threads.default_count()
            # libgomp gives each thread that computes helpers of its own, and does not let more of them
            # than there are cores spin: so the thread that loads is the one that answers.
            owner = ThreadPoolExecutor(1, "transformers")
            name = owner.submit(load, folder, options, count).result()
        finally:
            paging.stop()
        slots = spec.slots or DEFAULT_SLOTS
        self._pool = ThreadPoolExecutor(min(slots, MOST_READERS), "reader")
        self._progress(1.0)
        owner.submit(self._batch.run)
        seconds = time.monotonic() - started
        return Ready(slots, self._context, seconds, name, count, self._abilities(folder))

    def _abilities(self, folder: Folder) -> list[Ability]:
        if self._prompts is not None:
            return self._prompts.abilities
        return ["embed"] if folder.kind == "embed" else ["rerank"]

    def _load_model(self, folder: Folder, options: LoadOptions, count: int) -> str:
        """Load, try, and set up the batch; returns the engine's description."""
        import torch
        import transformers

        from workers.engines.transformers import loading, stepper
        from workers.engines.transformers.batch import Batch

        torch.set_num_threads(count)
        machine = devices.inspect(torch)
        device = devices.choose_device(options.device, machine)
        asked = options.dtype or ("bfloat16" if options.quantize else "")
        dtype = devices.choose_dtype(asked, device, machine, folder.dtype, folder.size)
        report = partial(self._placed, PLACED - IMPORTED)
        loaded = loading.load(folder, options, device, dtype, report)
        self._progress(PLACED)
        chat = Chat(loaded.tokenizer, folder.model_type, options.chat_format)
        tokens = Tokens(loaded.tokenizer, loaded.vocabulary)
        bindings = Bindings(loaded.tokenizer, loaded.vocabulary, loaded.ends)
        bindings.prepare()
        self._prompts = Prompts(
            loaded.tokenizer, chat, tokens, bindings, self._context, loaded.processor, folder.context
        )
        self._batch = Batch(
            loaded,
            stepper.choose(loaded.model, loaded.vocabulary, loaded.processor is not None),
            self._context,
            options.prompt_cache_mib << 20,
            _pace(folder.size, count, options.chunk, device),
            self._sink,
            spin_throttle.start(count),
        )
        parts = [f"transformers {transformers.__version__}", devices.SHORT[dtype], options.quantize, device]
        return ", ".join(part for part in parts if part)

    def _load_encoder(self, folder: Folder, options: LoadOptions, count: int) -> str:
        """The same for a model that turns texts into vectors, or ranks them: in 32 bits, unless others are
        asked for, since vectors are compared with those that are kept."""
        import torch
        import transformers

        from workers.engines.transformers import loading
        from workers.engines.transformers.encoder import Encoder
        from workers.engines.transformers.pooling import read_layout

        torch.set_num_threads(count)
        machine = devices.inspect(torch)
        device = devices.choose_device(options.device, machine)
        dtype = devices.choose_dtype(options.dtype or "float32", device, machine, folder.dtype, folder.size)
        layout = read_layout(folder.path) if folder.kind == "embed" else None
        report = partial(self._placed, PLACED - IMPORTED)
        model, tokenizer = loading.load_encoder(folder, options, device, dtype, report)
        longest = [self._context, layout.longest if layout is not None else 0, tokenizer.model_max_length]
        self._context = min(one for one in longest if one)
        self._batch = Encoder(model, tokenizer, layout, self._context, self._sink)
        return f"transformers {transformers.__version__}, {devices.SHORT[dtype]}, {device}"

    def _placed(self, share: float, part: float) -> None:
        self._progress(IMPORTED + part * share)

    def _progress(self, fraction: float) -> None:
        """Reports come from two threads; what is behind the other is not worth telling."""
        with self._lock:
            if fraction >= self._high + NEWS or (fraction == 1.0 > self._high):
                self._high = fraction
                self._sink.progress(fraction)

    # Requests.

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Raises `AiPalError` (`bad_request`, `unsupported`)."""
        prompts = self._prompts
        if prompts is None:
            self._batch.start(job)
            return
        match job:
            case Generate() | CompleteText():
                sampling = prompts.sampling(job)
                self._batch.open(job.key)
                self._pool.submit(self._read, prompts, job, sampling, blobs)
            case CountTokens():
                prompts.sampling(job)
                self._pool.submit(self._count, prompts, job, blobs)
            case _:
                fail(Code.UNSUPPORTED, "this model writes text", "ask a model that was made for this")

    def cancel(self, key: int) -> None:
        self._batch.cancel(key)

    def close(self) -> None:
        self._batch.close()

    def _read(
        self, prompts: Prompts, job: Generate | CompleteText, sampling: Sampling, blobs: Sequence[Blob]
    ) -> None:
        """On a thread of its own: long conversations take long to become tokens."""

        def trimmed(dropped: int) -> None:
            self._sink.trimmed(job.key, dropped, self._context)

        self._carefully(job.key, lambda: self._batch.submit(prompts.of(job, sampling, trimmed, blobs)))

    def _count(self, prompts: Prompts, job: CountTokens, blobs: Sequence[Blob]) -> None:
        self._carefully(job.key, lambda: self._sink.counted(job.key, prompts.count(job, blobs)))

    def _carefully(self, key: int, act: Callable[[], None]) -> None:
        """What goes wrong is this request's failure."""
        if failure := attempt(key, act):
            self._refuse(key, failure)

    def _refuse(self, key: int, failure: Failure) -> None:
        self._batch.forget(key)
        self._sink.failed(key, failure)


def _pace(model_bytes: int, threads: int, chunk: int, device: str) -> Pace:
    if device == "cpu":
        return Pace(model_bytes, threads, chunk, LARGEST_ON_CPU)
    return Pace(model_bytes, THREADS_OF_A_GPU, chunk)


def window(asked: int, trained: int) -> int:
    """Tokens that a conversation may have. Raises `AiPalError` (`config_invalid`)."""
    if trained and asked > trained:
        fail(
            Code.CONFIG_INVALID,
            f"a context of {counted(asked, 'token')} is larger than the model's own, {trained}",
            f"set context to at most {trained}, or leave it out",
        )
    return asked or min(trained or LARGEST_DEFAULT_CONTEXT, LARGEST_DEFAULT_CONTEXT)


def import_libraries() -> None:
    """Import what takes seconds; a spare worker does it before it knows the model.

    Raises `AiPalError` (`engine_missing`).
    """
    spin_throttle.prepare(SPINS)
    environment.settle()
    try:
        import workers.engines.transformers.batch
        import workers.engines.transformers.loading
        import workers.engines.transformers.stepper  # noqa: F401
    except ImportError as error:
        fail(
            Code.ENGINE_MISSING,
            f"transformers is not usable here: {error}",
            f"run: {pip_install('ai-pal[transformers]')}",
        )
