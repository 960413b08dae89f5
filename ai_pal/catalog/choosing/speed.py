"""How fast a model will write: by the bytes it reads for each token and what this machine reads in a second.
Pure. Checked against measured models in docs/benchmarks.md: within a third."""

from ai_pal.catalog.choosing.host import Host
from ai_pal.catalog.known.model import KnownModel, Variant

PER_CORE = 14e9
"""Bytes of 4-bit weights that one core takes in at most, measured with llama.cpp: two came to 28e9."""

TOKEN_SECONDS = 0.006
"""What each token costs besides its weights, measured with the smallest model."""


def tokens_per_second(entry: KnownModel, variant: Variant, host: Host) -> float:
    """About how many tokens a second it writes for one reader."""
    read = variant.size * entry.share
    if not read:
        return 0.0
    on_gpu = variant.memory <= host.gpu.memory if host.gpu is not None else False
    if host.gpu is not None and on_gpu:
        return 1 / (read / host.gpu.bandwidth + TOKEN_SECONDS)
    return 1 / (read / min(host.bandwidth, host.cores * PER_CORE) + TOKEN_SECONDS)
