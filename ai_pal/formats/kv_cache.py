"""The cache of a window with llama.cpp: what a number takes there, and what cannot be kept smaller."""

from ai_pal.formats.ggml_types import BLOCKS
from ai_pal.formats.gguf import Header

KINDS = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""ggml's numbers of these types."""


def cache_bytes(header: Header, tokens: int, kind: str | None) -> int:
    """What a window of so many tokens takes."""
    numbers, size = BLOCKS[KINDS[kind or "f16"]]
    return header.kv_values * tokens * size // numbers


def objection(header: Header, kind: str) -> str:
    """Why this model's cache cannot be of that kind; "" where it can, or where there is none."""
    block, _ = BLOCKS[KINDS[kind]]
    if header.kv_values and any(size % block for size in header.heads):
        sizes = " and ".join(str(size) for size in sorted(set(header.heads)))
        return f"its heads have {sizes} numbers, and kv_cache={kind} packs {block} together"
    return ""
