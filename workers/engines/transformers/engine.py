"""The transformers engine: one thread owns the model and computes all answers together, step by step."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Code, Failure, fail, pip_install
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT, Generate, LoadModel, Ready
from workers import spin_throttle, threads
from workers.context_window import answer_room, fit
from workers.engines.base import Blob, Job, Sink
from workers.engines.transformers import device as devices
from workers.engines.transformers import folder as folders
from workers.engines.transformers.answer import Prompt
from workers.engines.transformers.chat import Chat, TokenCounter
from workers.engines.transformers.folder import Folder
from workers.engines.transformers.options import LoadOptions, Sampling, read_load_options, read_sampling
from workers.engines.transformers.paging import Paging
from workers.engines.transformers.schedule import LARGEST_ON_CPU, THREADS_OF_A_GPU, Pace
from workers.engines.transformers.tokens import Tokens
from workers.log import log

DEFAULT_SLOTS = 8
MOST_READERS = 4
"""Threads that turn messages into tokens."""
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
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
        self._chat: Chat
        self._tokens: Tokens
        self._counter: TokenCounter
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
        self._context = window(spec.context, folder.context)
        paging = Paging(folder.shards, folder.size, lambda part: self._progress(part * PAGED))
        try:
            import_libraries()
            self._progress(IMPORTED)
            count = spec.threads or threads.default_count()
            # libgomp gives each thread that computes helpers of its own, and does not let more of them
            # than there are cores spin: so the thread that loads is the one that answers.
            owner = ThreadPoolExecutor(1, "transformers")
            name = owner.submit(self._load_model, folder, options, count).result()
        finally:
            paging.stop()
        slots = spec.slots or DEFAULT_SLOTS
        self._pool = ThreadPoolExecutor(min(slots, MOST_READERS), "reader")
        self._progress(1.0)
        owner.submit(self._batch.run)
        return Ready(slots, self._context, time.monotonic() - started, name, count)

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
        placing = PLACED - IMPORTED
        loaded = loading.load(
            folder, options, device, dtype, lambda part: self._progress(IMPORTED + part * placing)
        )
        self._progress(PLACED)
        self._tokens = Tokens(loaded.tokenizer, loaded.vocabulary)
        self._chat = Chat(loaded.tokenizer, folder.model_type, options.chat_format)
        self._counter = TokenCounter(self._chat, lambda text: len(self._encode(text)))
        self._batch = Batch(
            loaded,
            stepper.choose(loaded.model, loaded.vocabulary),
            self._tokens.decode,
            self._context,
            options.prompt_cache_mib << 20,
            _pace(folder.size, count, options.chunk, device),
            self._sink,
            spin_throttle.start(count),
        )
        parts = [f"transformers {transformers.__version__}", devices.SHORT[dtype], options.quantize, device]
        return ", ".join(part for part in parts if part)

    def _progress(self, fraction: float) -> None:
        """Reports come from two threads; what is behind the other is not worth telling."""
        with self._lock:
            if fraction >= self._high + NEWS or (fraction == 1.0 > self._high):
                self._high = fraction
                self._sink.progress(fraction)

    # Requests.

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Raises `AiPalError` (`bad_request`)."""
        if not isinstance(job, Generate):
            fail(Code.UNSUPPORTED, "transformers cannot do this here yet")
        sampling = read_sampling(job.options)
        if not job.messages:
            fail(Code.BAD_REQUEST, "there is no message to answer")
        self._batch.open(job.key)
        self._pool.submit(self._read, job, sampling)

    def cancel(self, key: int) -> None:
        self._batch.cancel(key)

    def close(self) -> None:
        self._batch.close()

    def _read(self, request: Generate, sampling: Sampling) -> None:
        """On a thread of its own: long conversations take long to become tokens."""
        try:
            self._batch.submit(self._prompt(request, sampling))
        except AiPalError as error:
            self._refuse(request.key, error.failure)
        except Exception as error:  # noqa: BLE001 - tokenizers raise anything, the worker goes on
            log("error", "a prompt could not be read", key=request.key, reason=repr(error))
            self._refuse(request.key, Failure(Code.ENGINE_ERROR, f"the prompt could not be read: {error}"))

    def _refuse(self, key: int, failure: Failure) -> None:
        self._batch.forget(key)
        self._sink.failed(key, failure)

    def _prompt(self, request: Generate, sampling: Sampling) -> Prompt:
        room = answer_room(request.options, self._context)
        fitted = fit(request.messages, self._counter, self._context, room)
        if fitted.dropped:
            self._sink.trimmed(request.key, fitted.dropped, self._context)
        tokens = self._encode(self._chat.render(fitted.messages))
        stop = [*request.options.stop, *self._chat.stop]
        return Prompt(request.key, tokens, room, sampling, stop)

    def _encode(self, text: str) -> list[int]:
        return self._tokens.encode(text, self._chat.adds_special_tokens)


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
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
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
