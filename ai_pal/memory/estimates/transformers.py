"""transformers: the weights in the number format that the engine chooses, and a window's cache."""

import math
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.formats.adapters import adapters_size
from ai_pal.formats.json_text import read_json
from ai_pal.formats.safetensors import bytes_by_dtype, header_length
from ai_pal.memory.estimates.footprint import MIB, OF_DEVICES, Footprint, prompt_cache
from ai_pal.memory.estimates.window import Window, window
from ai_pal.memory.placement import Blocks
from ai_pal.protocol.worker import LoadModel

RUNTIME = 380 * MIB
"""The process with torch and transformers in it."""
WITHOUT_TORCH, PER_TOKEN_OF_VOCABULARY = 80 * MIB, 1000
"""The process with transformers and no torch, and its tokenizer."""
COMPUTE = 64 * MIB
LARGE = 2 << 30
WIDEST_SHARE = 0.25
"""As the engine has them: what is larger is never widened to 32 bits unasked."""
SENTENCES, RANKS = "modules.json", "ForSequenceClassification"
"""As the engine knows a folder that turns texts into vectors, or ranks them."""
WIDE_NAMES = ("float32", "fp32")
QUANTIZED = {"8bit": 0.55, "4bit": 0.32}
"""Part of the size in 16 bits."""

UNPACKED = {"fp8": {"F8_E4M3": 2}, "mxfp4": {"U8": 4}}
"""How many times as large weights are that the library unpacks on a CPU, by method and stored type."""


class Shape(msgspec.Struct, frozen=True):
    """What config.json says; 0 and None where it does not."""

    num_hidden_layers: int = 0
    num_attention_heads: int = 0
    num_key_value_heads: int | None = None
    hidden_size: int = 0
    head_dim: int | None = None
    max_position_embeddings: int = 0
    vocab_size: int = 0
    tie_word_embeddings: bool = True

    @property
    def kv_values(self) -> int:
        """How many numbers the cache keeps of one token."""
        heads = self.num_key_value_heads or self.num_attention_heads
        size = self.head_dim or self.hidden_size // max(self.num_attention_heads, 1)
        return 2 * self.num_hidden_layers * heads * size


def estimate(load: LoadModel) -> Footprint:
    """Raises OSError or ValueError where the folder is no model."""
    config = _config(load)
    sizes, encodes = _sizes(load, config), _encodes(load, config)
    return footprint(config.shape, sizes, load, bf16_hardware=cpu_has_bf16(), encodes=encodes)


def _encodes(load: LoadModel, config: "_Config") -> bool:
    """Whether it turns texts into vectors or ranks them: then it computes in 32 bits unless others are asked
    for, and keeps no cache."""
    names = [str(name) for name in config.architectures or ()]
    bare = any(name.endswith("Model") and not name.endswith("LMHeadModel") for name in names)
    return bare or any(name.endswith(RANKS) for name in names) or (Path(load.path) / SENTENCES).is_file()


def blocks(load: LoadModel) -> Blocks:
    """Its layers, the first with what turns tokens into numbers, the last with what turns them back; on a
    device in 16 bits unless others are asked for. Raises as `estimate`."""
    config = _config(load)
    shape, sizes = config.shape, _sizes(load, config)
    encodes = _encodes(load, config)
    width = 4 if load.options.get("dtype", "fp32" if encodes else "") in WIDE_NAMES else 2
    weights = _weights(sizes, width, load.options)
    cache = 0 if encodes else _cache(shape, load, width)
    if encodes or config.text_config is not None:  # these are on one device: they are not split
        return Blocks((weights,), (cache,), whole=True)
    count = max(shape.num_hidden_layers, 1)
    edge = min(shape.vocab_size * shape.hidden_size * width, weights // 2)
    ends = edge if shape.tie_word_embeddings else 2 * edge
    loaded = [(weights - ends) // count] * count
    loaded[0] += edge
    loaded[-1] += ends - edge
    return Blocks(tuple(loaded), (cache // count,) * count, whole=True)


def _sizes(load: LoadModel, config: "_Config") -> Counter[str]:
    sizes: Counter[str] = Counter()
    for file in Path(load.path).glob("*.safetensors"):
        with file.open("rb") as opened:
            sizes += bytes_by_dtype(opened.read(header_length(opened.read(8))))
    for kind, times in UNPACKED.get(str((config.quantization_config or {}).get("quant_method")), {}).items():
        sizes[kind] *= times
    return sizes


def _cache(shape: Shape, load: LoadModel, width: int) -> int:
    """Bytes of one window."""
    return shape.kv_values * window(load.context, shape.max_position_embeddings).tokens * width


def _weights(sizes: Counter[str], width: int, options: dict[str, Any]) -> int:
    """Bytes of weights with numbers of this width."""
    part = QUANTIZED.get(str(options.get("quantize", "")), 1.0)
    return math.ceil(_narrow(sizes) * width / 2 * part)


def _narrow(sizes: Counter[str]) -> int:
    """Bytes of the weights in 16 bits."""
    return sizes.total() - sizes["F32"] // 2


def vocabulary(load: LoadModel) -> Footprint:
    """Without weights. Raises as `estimate`."""
    return Footprint(WITHOUT_TORCH + PER_TOKEN_OF_VOCABULARY * _config(load).shape.vocab_size)


def window_of(load: LoadModel) -> Window:
    """Raises OSError or ValueError."""
    return window(load.context, _config(load).shape.max_position_embeddings)


class _Config(Shape, frozen=True):
    architectures: list[Any] | None = None
    text_config: Shape | None = None
    quantization_config: dict[str, Any] | None = None

    @property
    def shape(self) -> Shape:
        """Of a model that sees, the part that writes is told apart."""
        return self if self.text_config is None else self.text_config


def _config(load: LoadModel) -> _Config:
    file = Path(load.path) / "config.json"
    return msgspec.convert(read_json(file.read_bytes(), str(file)), _Config)


def footprint(
    shape: Shape, sizes: Counter[str], load: LoadModel, *, bf16_hardware: bool, encodes: bool = False
) -> Footprint:
    """The estimate for a model of this shape, whose weights take `sizes` bytes by stored type."""
    if load.placement:
        return Footprint(RUNTIME + OF_DEVICES + adapters_size(load.options), COMPUTE)
    if encodes:
        width = 4 if load.options.get("dtype", "fp32") in WIDE_NAMES else 2
        return Footprint(RUNTIME + _weights(sizes, width, load.options), COMPUTE)
    width = 4 if _is_wide(load.options, _narrow(sizes), bf16_hardware=bf16_hardware) else 2
    loaded = RUNTIME + _weights(sizes, width, load.options) + adapters_size(load.options)
    return Footprint(loaded, _cache(shape, load, width) + COMPUTE, prompt_cache(load.options))


def _is_wide(options: dict[str, Any], narrow: int, *, bf16_hardware: bool) -> bool:
    asked = options.get("dtype")
    return asked in WIDE_NAMES if asked else not bf16_hardware and narrow <= LARGE


@lru_cache(maxsize=1)
def cpu_has_bf16() -> bool:
    """Whether the CPU computes in bf16, as far as Linux tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))
