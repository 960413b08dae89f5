"""Counts the tokens of a llama.cpp model without its weights."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.formats.gguf import check_whole, pooling_of, read_header
from ai_pal.formats.projector import projector_of
from ai_pal.protocol.worker import CountTokens, LoadModel, Ready
from workers.engines.base import Blob, Job, Sink
from workers.engines.llamacpp.loading import (
    import_xllamacpp,
    load_options,
    own_template,
    parameters_for,
    window,
)
from workers.engines.llamacpp.prompts import Counting, learned
from workers.engines.llamacpp.server import Server
from workers.engines.llamacpp.speculation import speculation
from workers.engines.llamacpp.stand_in import stand_in
from workers.engines.llamacpp.vectors import of_vectors
from workers.load_limits import limits

CELLS = 32
"""The window of what is never computed with."""


class Vocabulary:
    """Implements `Engine` for `CountTokens` only. Raises what a load of the model would, but looks at no
    weights."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._counting: Counting | None = None

    def load(self, spec: LoadModel, sink: Sink) -> Ready:
        """Raises `AiPalError` (`engine_missing`, `model_invalid`, `config_invalid`)."""
        started = time.monotonic()
        header = read_header(Path(spec.path))
        check_whole(Path(spec.path))
        xllamacpp = import_xllamacpp()
        context = window(spec, header)
        options = load_options(spec)
        projector = projector_of(Path(spec.path), header, options.mmproj)
        speculation(spec, options.speculate, header, sees=projector is not None)
        parameters = parameters_for(xllamacpp, spec, header, 1, context)
        pooling = pooling_of(header)
        if not pooling:
            with limits(0, 0), stand_in(Path(spec.path)) as path:
                _shrink(xllamacpp, parameters, path)
                self._server = Server(xllamacpp, parameters, spec.path, header)
                prompts = learned(self._server.asker, context, template=own_template(spec, options))
            self._counting = Counting(prompts, sink)
        abilities = of_vectors(pooling) if pooling else prompts.abilities
        name = f"llama.cpp (xllamacpp {xllamacpp.__version__})"
        return Ready(0, context, time.monotonic() - started, name, 1, abilities)

    def start(self, job: Job, blobs: Sequence[Blob]) -> None:
        if self._counting is None or not isinstance(job, CountTokens):
            fail(Code.UNSUPPORTED, "only the vocabulary is loaded: it counts tokens")
        self._counting.start(job, blobs)

    def cancel(self, key: int) -> None:
        """A count is over before that could matter."""

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def _shrink(xllamacpp: Any, parameters: Any, path: Path) -> None:
    """Have the stand-in at this path loaded, with as little around it as can be."""
    parameters.model.path = str(path)
    parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = CELLS
    parameters.n_parallel = 1
    parameters.cache_ram_mib = 0
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F16
    parameters.warmup = parameters.fit_params = False
    parameters.n_gpu_layers = 0
