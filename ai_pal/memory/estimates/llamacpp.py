"""llama.cpp: the mapped file, the copy in the layout that computes fastest, the cache of the window.

What a model sees with (a projector) is copied as it is. The cache is cleared at the load, so it is resident
from then on.
"""

import re
from collections import Counter
from pathlib import Path

import msgspec

from ai_pal.formats import drafts
from ai_pal.formats.adapters import adapters_size
from ai_pal.formats.gguf import Layout, pooling_of, read_header, read_layout
from ai_pal.formats.kv_cache import cache_bytes
from ai_pal.formats.projector import Projector, projector_of
from ai_pal.memory.estimates.footprint import MIB, OF_DEVICES, Footprint, prompt_cache
from ai_pal.memory.estimates.window import Window, window
from ai_pal.memory.placement import Blocks
from ai_pal.protocol.windows import windows_of
from ai_pal.protocol.worker import LoadModel

GUESSES = 16 * MIB
"""The table of what was said before."""
GRAIN = 256
"""llama.cpp rounds its window up to that many tokens; guesses need a few more."""
RUNTIME = 54 * MIB
"""The process, the library and its buffers."""
PER_TOKEN_OF_VOCABULARY = 380
COMPUTE = 8 * MIB
REPACKED = frozenset({2, 12, 20})
"""ggml's numbers of the types that are copied: Q4_0, Q4_K, IQ4_NL."""
EMBEDDING = "token_embd.weight"
"""Is looked up, not multiplied with: never copied, and always on the host."""
OUTPUT = "output.weight"
LAYER = re.compile(r"blk\.(\d+)\.")


def estimate(load: LoadModel) -> Footprint:
    """Raises `AiPalError` (`model_invalid`) or OSError."""
    path, layout = Path(load.path), read_layout(Path(load.path))
    eye = projector_of(path, layout.header, str(load.options.get("mmproj", "")))
    return footprint(layout, load, eye, _guesses(layout, load))


def _guesses(layout: Layout, load: LoadModel) -> int:
    """Bytes for speculation. Raises as `estimate`."""
    cells = cache_bytes(layout.header, GRAIN, load.kv_cache)
    if draft := drafts.named(load.options):
        repack = load.options.get("repack", True)
        plain = msgspec.structs.replace(load, options={"repack": repack}, kv_cache=None, placement=None)
        return footprint(read_layout(Path(draft)), plain).loaded - RUNTIME + cells
    if load.options.get(drafts.OPTION) == drafts.NGRAM:
        return GUESSES + cells
    if load.options.get(drafts.OPTION) == drafts.MTP:  # a layer with a cache of its own
        return COMPUTE + cells + _cache(layout, load) // max(_layers(layout), 1)
    return 0


def vocabulary(load: LoadModel) -> Footprint:
    """Without weights. Raises as `estimate`."""
    return Footprint(RUNTIME + PER_TOKEN_OF_VOCABULARY * read_layout(Path(load.path)).vocabulary)


def window_of(load: LoadModel) -> Window:
    """Raises `AiPalError` (`model_invalid`) or OSError."""
    return window(load.context, read_header(Path(load.path)).context)


def blocks(load: LoadModel) -> Blocks:
    """Its layers, each with its part of the cache, and the output. Raises as `estimate`."""
    layout = read_layout(Path(load.path))
    sizes, count = _sizes(layout), _layers(layout)
    cache = _cache(layout, load) // max(count, 1)
    if all(tensor.name != OUTPUT for tensor in layout.tensors):
        sizes[count] += sum(tensor.size for tensor in layout.tensors if tensor.name == EMBEDDING)
    loaded = (*(sizes[at] + cache for at in range(count)), sizes[count])
    return Blocks(loaded, (0,) * len(loaded))


def footprint(
    layout: Layout, load: LoadModel, projector: Projector | None = None, guesses: int = 0
) -> Footprint:
    """The estimate for a file of this layout, what it sees with, and the bytes of what guesses for it;
    without what is placed elsewhere."""
    header, count = layout.header, _layers(layout)
    first = count + 1 - sum(share.blocks for share in load.placement or ())
    away = [tensor for tensor in layout.tensors if _block(tensor.name, count) >= first]
    cache = _cache(layout, load)
    cache -= cache // max(count, 1) * max(0, count - first)
    copied = 0
    if load.options.get("repack", True):
        gone = {tensor.name for tensor in away}
        copied = sum(
            one.size
            for one in layout.tensors
            if one.kind in REPACKED and one.name != EMBEDDING and one.name not in gone
        )
    runtime = RUNTIME + PER_TOKEN_OF_VOCABULARY * layout.vocabulary + (OF_DEVICES if load.placement else 0)
    kept = prompt_cache(load.options) if header.kv_values else 0
    eye = projector.header if projector is not None else None
    weights = header.size - sum(tensor.size for tensor in away)
    loaded = weights + copied + cache + runtime + (eye.size if eye else 0) + adapters_size(load.options)
    loaded += guesses
    return Footprint(loaded, COMPUTE + (eye.working if eye else 0), kept)


def _cache(layout: Layout, load: LoadModel) -> int:
    windows = 1 if pooling_of(layout.header) else windows_of(load)
    tokens = window(load.context, layout.header.context).tokens * windows
    return cache_bytes(layout.header, tokens, load.kv_cache)


def _sizes(layout: Layout) -> Counter[int]:
    """Bytes of each block."""
    sizes: Counter[int] = Counter()
    count = _layers(layout)
    for tensor in layout.tensors:
        sizes[_block(tensor.name, count)] += tensor.size
    return sizes


def _layers(layout: Layout) -> int:
    found = (LAYER.match(tensor.name) for tensor in layout.tensors)
    return max((int(one[1]) + 1 for one in found if one), default=0)


def _block(name: str, layers: int) -> int:
    """The number of a tensor's block: the output is behind the layers, -1 what stays on the host."""
    if found := LAYER.match(name):
        return int(found[1])
    return layers if name.startswith("output") else -1
