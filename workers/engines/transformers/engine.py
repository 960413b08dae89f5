"""The transformers engine: one thread owns the model and computes all answers together, step by step."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure, fail
from ai_pal.formats import adapters
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import (
    LARGEST_DEFAULT_CONTEXT,
    CompleteText,
    CountTokens,
    Generate,
    LoadModel,
    Ready,
    Share,
)
from workers import long_turns, spin_throttle, threads
from workers.engines.base import Blob, Job, Sink
from workers.engines.transformers.batch.inbox import Inbox
from workers.engines.transformers.batch.schedule import pace_of
from workers.engines.transformers.guiding.bindings import Bindings
from workers.engines.transformers.loading import device as devices
from workers.engines.transformers.loading import environment
from workers.engines.transformers.loading import folder as folders
from workers.engines.transformers.loading.folder import Folder
from workers.engines.transformers.loading.paging import Paging
from workers.engines.transformers.options import LoadOptions, Sampling, read_load_options
from workers.engines.transformers.prompts.chat import Chat
from workers.engines.transformers.prompts.failures import attempt
from workers.engines.transformers.prompts.prompts import Prompts
from workers.engines.transformers.prompts.tokens import Tokens

DEFAULT_SLOTS = 8
MOST_READERS = 4
"""Threads that turn messages into tokens."""
SPINS = 300_000
"""Turns that a thread waits before it sleeps: between two operations of a step Python takes its time."""
NEWS = 0.01
"""Smaller progress is not reported."""
AUTO = "auto"
PAGED, IMPORTED, PLACED = 0.5, 0.6, 0.9
"""How far the load is when the weights are read, the libraries imported, the weights placed."""


class Where(NamedTuple):
    """The device that was asked for, and where the supervisor has placed the model."""

    asked: str
    placement: list[Share] | None

    @property
    def split(self) -> list[Share]:
        """Its parts where it is on several devices."""
        return self.placement if self.placement and len(self.placement) > 1 else []

    def named(self, device: str) -> str:
        return " and ".join(share.device for share in self.split) or device


class Transformers:
    """`_lock` guards `_high`; the rest is set once by `load`."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._sink: Sink
        self._inbox: Inbox[Any] = Inbox()
        self._batch: Any = None
        self._prompts: Prompts | None = None
        self._context = 0
        self._of_rows: Any = None
        """The device of what is read, where it is nothing but keys and values."""
        self._saved: Any = None
        """What was read of kept conversations, on disk."""
        self._running: Future[None]
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
        where = Where(spec.device or options.device.replace(AUTO, ""), spec.placement)
        paging = Paging(folder.shards, folder.size, lambda part: self._progress(part * PAGED))
        try:
            import_libraries()
            self._progress(IMPORTED)
            count = spec.threads or threads.default_count()
            # libgomp gives each thread that computes helpers of its own, and does not let more of them
            # than there are cores spin: so the thread that loads is the one that answers.
            owner = ThreadPoolExecutor(1, "transformers", long_turns.take)
            name = owner.submit(load, folder, options, count, where).result()
        finally:
            paging.stop()
        if self._of_rows is not None and not where.split:
            from workers.engines.transformers.decoding.saved import saved_rows

            self._saved = saved_rows(spec, folder.path, name, self._of_rows)
        slots = spec.slots or DEFAULT_SLOTS
        self._pool = ThreadPoolExecutor(min(slots, MOST_READERS), "reader")
        self._progress(1.0)
        self._running = owner.submit(self._batch.run)
        seconds = time.monotonic() - started
        return Ready(slots, self._context, seconds, name, count, self._abilities(folder))

    def _abilities(self, folder: Folder) -> list[Ability]:
        if self._prompts is not None:
            return self._prompts.abilities
        return ["embed"] if folder.kind == "embed" else ["rerank"]

    def _load_model(self, folder: Folder, options: LoadOptions, count: int, where: Where) -> str:
        """Load, try, and set up the batch; returns the engine's description."""
        import torch
        import transformers

        from workers.engines.transformers.batch.batch import Batch
        from workers.engines.transformers.decoding import stepper
        from workers.engines.transformers.loading import loading
        from workers.engines.transformers.loading.products import is_faster

        torch.set_num_threads(count)
        hardware = devices.inspect(torch)
        device = devices.choose_device(where.asked, hardware, where.placement)
        asked = options.dtype or ("bfloat16" if options.quantize else "")
        dtype = devices.choose_dtype(asked, device, hardware, folder.dtype, folder.size)
        report = partial(self._placed, PLACED - IMPORTED)
        loaded = loading.load(folder, options, device, dtype, report, where.split)
        self._progress(PLACED)
        chat = Chat(loaded.tokenizer, folder.model_type, options.chat_format, self._now)
        tokens = Tokens(loaded.tokenizer, loaded.vocabulary)
        bindings = Bindings(loaded.tokenizer, loaded.vocabulary, loaded.ends)
        bindings.prepare()
        self._prompts = Prompts(
            loaded.tokenizer, chat, tokens, bindings, self._context, loaded.processor, folder.context
        )
        steps = stepper.choose(loaded.model, loaded.vocabulary, loaded.processor is not None)
        if options.speculate == "ngram" and not steps.can_guess:
            message = f"a model of the kind {folder.model_type} cannot go back behind a wrong guess"
            fail(Code.CONFIG_INVALID, message, "set speculate=off")
        self._of_rows = loaded.model.device if steps.can_guess else None
        widened = dtype != "float32" and options.quantize != "4bit" and is_faster()
        self._batch = Batch(
            self._inbox,
            loaded,
            steps,
            self._context,
            options.prompt_cache_mib << 20,
            pace_of(folder.size, count, options.chunk, device, widened=widened),
            self._sink,
            spin_throttle.start(count),
            steps.can_guess and options.speculate != "off",
        )
        parts = [
            f"transformers {transformers.__version__}",
            devices.SHORT[dtype],
            options.quantize,
            where.named(device),
        ]
        return ", ".join(part for part in parts if part)

    def _load_encoder(self, folder: Folder, options: LoadOptions, count: int, where: Where) -> str:
        """The same for a model that turns texts into vectors, or ranks them: in 32 bits, unless others are
        asked for, since vectors are compared with those that are kept."""
        import torch
        import transformers

        from workers.engines.transformers.encoders.encoder import Encoder
        from workers.engines.transformers.encoders.pooling import read_layout
        from workers.engines.transformers.loading import loading

        if options.speculate == "ngram":
            message = "a model that writes nothing has nothing to guess"
            fail(Code.CONFIG_INVALID, message, "set speculate=off")
        torch.set_num_threads(count)
        hardware = devices.inspect(torch)
        device = devices.choose_device(where.asked, hardware, where.placement)
        dtype = devices.choose_dtype(options.dtype or "float32", device, hardware, folder.dtype, folder.size)
        layout = read_layout(folder.path) if folder.kind == "embed" else None
        report = partial(self._placed, PLACED - IMPORTED)
        model, tokenizer = loading.load_encoder(folder, options, device, dtype, report, where.split)
        longest = [self._context, layout.longest if layout is not None else 0, tokenizer.model_max_length]
        self._context = min(one for one in longest if one)
        self._batch = Encoder(self._inbox, model, tokenizer, layout, self._context, self._sink)
        return f"transformers {transformers.__version__}, {devices.SHORT[dtype]}, {where.named(device)}"

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
                self._inbox.open(job.key)
                self._pool.submit(self._read, prompts, job, sampling, blobs)
            case CountTokens():
                prompts.sampling(job)
                self._pool.submit(self._count, prompts, job, blobs)
            case _:
                fail(Code.UNSUPPORTED, "this model writes text", "ask a model that was made for this")

    def cancel(self, key: int) -> None:
        self._inbox.cancel(key)

    def save_prefixes(self, seconds: float) -> None:
        """What runs is stopped for it."""
        if self._saved is not None:
            until = time.monotonic() + seconds
            self._inbox.close()
            if wait([self._running], seconds / 2).done:
                self._saved.save(self._batch.rows(), until)

    def close(self) -> None:
        self._inbox.close()

    def _read(
        self, prompts: Prompts, job: Generate | CompleteText, sampling: Sampling, blobs: Sequence[Blob]
    ) -> None:
        """On a thread of its own: long conversations take long to become tokens."""

        def trimmed(dropped: int) -> None:
            self._sink.trimmed(job.key, dropped, self._context)

        def submit() -> None:
            keeps = self._saved if isinstance(job, Generate) and job.conversation else None
            if keeps is not None and isinstance(job, Generate):
                prompts.chat.carry_on(job.messages, keeps.begun(job.conversation))
            prompt = prompts.of(job, sampling, trimmed, blobs)
            if keeps is not None and isinstance(job, Generate) and not prompt.inputs:
                begun = prompts.chat.begun(job.messages)
                saved = keeps.fetch(job.conversation, prompt.tokens, begun)
                prompt = msgspec.structs.replace(prompt, mark=job.conversation, saved=saved)
            self._inbox.put(prompt)

        self._carefully(job.key, submit)

    def _count(self, prompts: Prompts, job: CountTokens, blobs: Sequence[Blob]) -> None:
        self._carefully(job.key, lambda: self._sink.counted(job.key, prompts.count(job, blobs)))

    def _carefully(self, key: int, act: Callable[[], None]) -> None:
        """What goes wrong is this request's failure."""
        if failure := attempt(key, act):
            self._refuse(key, failure)

    def _refuse(self, key: int, failure: Failure) -> None:
        self._inbox.forget(key)
        self._sink.failed(key, failure)


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
    with environment.first_import():
        import workers.engines.transformers.batch.batch
        import workers.engines.transformers.decoding.stepper
        import workers.engines.transformers.loading.loading  # noqa: F401
