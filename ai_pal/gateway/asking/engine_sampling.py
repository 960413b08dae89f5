"""Ways to sample that engines know and we have no word for, and which values they may have: the same on each
door. The engine that is asked takes or refuses them. Pure."""

from typing import Annotated, Any, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
CountOrAll = Annotated[int, msgspec.Meta(ge=-1)]
# fmt: off
Sampler = Literal[
    "dry", "top_k", "typ_p", "typical_p", "top_p", "top_n_sigma", "min_p", "temperature", "xtc", "infill",
    "penalties", "adaptive_p",
]
# fmt: on


class EngineSampling(msgspec.Struct, kw_only=True):
    """As llama.cpp calls them, and Ollama too. None says nothing."""

    repeat_last_n: CountOrAll | None = None
    typical_p: Share | None = None
    mirostat: Annotated[int, msgspec.Meta(ge=0, le=2)] | None = None
    mirostat_tau: Positive | None = None
    mirostat_eta: Positive | None = None


class LlamaSampling(EngineSampling, kw_only=True):
    """With those that llama.cpp's clients send, and Ollama's do not."""

    top_n_sigma: float | None = None
    min_keep: Count | None = None
    samplers: list[Sampler] | None = None
    dynatemp_range: Positive | None = None
    dynatemp_exponent: Positive | None = None
    xtc_probability: Share | None = None
    xtc_threshold: Share | None = None
    dry_multiplier: Positive | None = None
    dry_base: Positive | None = None
    dry_allowed_length: Count | None = None
    dry_penalty_last_n: CountOrAll | None = None
    dry_sequence_breakers: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None
    ignore_eos: bool | None = None
    n_keep: CountOrAll | None = None
    n_indent: Count | None = None
    t_max_predict_ms: Annotated[int, msgspec.Meta(ge=-1)] | None = None


def said_of(asked: EngineSampling) -> dict[str, Any]:
    """What is said, by its names: what else a body has belongs to its door."""
    kind = LlamaSampling if isinstance(asked, LlamaSampling) else EngineSampling
    return {name: value for name in kind.__struct_fields__ if (value := getattr(asked, name)) is not None}
