"""Counts the tokens of a transformers model without its weights, and without torch."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import CountTokens, LoadModel, Ready
from workers.engines.base import Blob, Job, Sink
from workers.engines.transformers.engine import MOST_READERS, window
from workers.engines.transformers.guiding.bindings import Bindings
from workers.engines.transformers.loading import environment
from workers.engines.transformers.loading import folder as folders
from workers.engines.transformers.loading.folder import Folder
from workers.engines.transformers.options import LoadOptions, read_load_options
from workers.engines.transformers.prompts.chat import Chat
from workers.engines.transformers.prompts.failures import attempt
from workers.engines.transformers.prompts.prompts import Prompts
from workers.engines.transformers.prompts.tokens import Tokens


class Vocabulary:
    """Implements `Engine` for `CountTokens` only. Raises what a load of the model would, but looks at no
    weights."""

    def __init__(self) -> None:
        self._sink: Sink
        self._prompts: Prompts | None = None
        self._pool: ThreadPoolExecutor

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Raises `AiPalError` (`engine_missing`, `model_invalid`, `config_invalid`)."""
        started = time.monotonic()
        self._sink = sink
        options = read_load_options(spec.options)
        folder = folders.look(Path(spec.path))
        context = window(spec.context, folder.context)
        transformers = import_transformers()
        abilities = self._examine(folder, options, context)
        self._pool = ThreadPoolExecutor(MOST_READERS, "reader")
        name = f"transformers {transformers.__version__}"
        return Ready(0, context, time.monotonic() - started, name, 1, abilities)

    def _examine(self, folder: Folder, options: LoadOptions, context: int) -> list[Ability]:
        from workers.engines.transformers.loading import pretrained

        config, tokenizer = pretrained.examine(folder)
        if folder.kind in ("embed", "rerank"):
            return ["embed"] if folder.kind == "embed" else ["rerank"]
        size = getattr(config.get_text_config(), "vocab_size", None) or len(tokenizer)
        chat = Chat(tokenizer, folder.model_type, options.chat_format)
        bindings = Bindings(tokenizer, size, ())
        self._prompts = Prompts(tokenizer, chat, Tokens(tokenizer, size), bindings, context)
        return self._prompts.abilities

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        """Raises `AiPalError` (`bad_request`, `unsupported`)."""
        prompts = self._prompts
        if prompts is None or not isinstance(job, CountTokens):
            fail(Code.UNSUPPORTED, "only the vocabulary is loaded: it counts tokens")
        prompts.sampling(job)
        self._pool.submit(self._count, prompts, job, blobs)

    def _count(self, prompts: Prompts, job: CountTokens, blobs: Sequence[Blob]) -> None:
        failure = attempt(job.key, lambda: self._sink.counted(job.key, prompts.count(job, blobs)))
        if failure is not None:
            self._sink.failed(job.key, failure)

    def cancel(self, key: int) -> None:
        """A count is over before that could matter."""

    def close(self) -> None:
        """Nothing is kept."""


def import_transformers() -> Any:
    """Raises `AiPalError` (`engine_missing`)."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type] # says that there is none: it is half of all memory
    with environment.first_import():
        import transformers
    return transformers
