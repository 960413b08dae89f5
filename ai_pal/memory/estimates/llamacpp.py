"""llama.cpp: the mapped file, the copy in the layout that computes fastest, the cache of the window.

What a model sees with (a projector) is copied as it is. The cache is cleared at the load, so it is resident
from then on; its numbers have 16 bits.
"""

from pathlib import Path

from ai_pal.formats.adapters import adapters_size
from ai_pal.formats.gguf import Layout, read_header, read_layout
from ai_pal.formats.projector import Projector, projector_of
from ai_pal.memory.estimates.footprint import MIB, Footprint, prompt_cache
from ai_pal.memory.estimates.window import Window, window
from ai_pal.protocol.worker import LoadModel

RUNTIME = 54 * MIB
"""The process, the library and its buffers."""
PER_TOKEN_OF_VOCABULARY = 380
COMPUTE = 8 * MIB
REPACKED = frozenset({2, 12, 20})
"""ggml's numbers of the types that are copied: Q4_0, Q4_K, IQ4_NL."""
EMBEDDING = "token_embd.weight"
"""Is looked up, not multiplied with: never copied."""


def estimate(load: LoadModel) -> Footprint:
    """Raises `AiPalError` (`model_invalid`) or OSError."""
    path, layout = Path(load.path), read_layout(Path(load.path))
    return footprint(layout, load, projector_of(path, layout.header, str(load.options.get("mmproj", ""))))


def vocabulary(load: LoadModel) -> Footprint:
    """Without weights. Raises as `estimate`."""
    return Footprint(RUNTIME + PER_TOKEN_OF_VOCABULARY * read_layout(Path(load.path)).vocabulary)


def window_of(load: LoadModel) -> Window:
    """Raises `AiPalError` (`model_invalid`) or OSError."""
    return window(load.context, read_header(Path(load.path)).context)


def footprint(layout: Layout, load: LoadModel, projector: Projector | None = None) -> Footprint:
    """The estimate for a file of this layout, and what it sees with."""
    header = layout.header
    cache = 2 * header.kv_values * window(load.context, header.context).tokens
    copied = 0
    if load.options.get("repack", True):
        copied = sum(one.size for one in layout.tensors if one.kind in REPACKED and one.name != EMBEDDING)
    runtime = RUNTIME + PER_TOKEN_OF_VOCABULARY * layout.vocabulary
    kept = prompt_cache(load.options) if header.kv_values else 0
    eye = projector.header if projector is not None else None
    loaded = header.size + copied + cache + runtime + (eye.size if eye else 0) + adapters_size(load.options)
    return Footprint(loaded, COMPUTE + (eye.working if eye else 0), kept)
