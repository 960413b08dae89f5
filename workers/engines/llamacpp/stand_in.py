"""A model with the vocabulary of another and next to no weights, for llama.cpp to load in its place.

llama.cpp counts with what it has loaded, and loads no file without weights. So this is a GGUF file with all
that the real one says of tokens and templates, and the smallest network that llama.cpp takes. It is never
computed with."""

import contextlib
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ai_pal.formats.gguf_cursor import MAGIC, TEXT
from ai_pal.formats.gguf_vocabulary import Vocabulary, read_vocabulary

VERSION, ALIGNMENT = 3, 32
U32, F32 = 4, 6
FLOATS, Q4_0 = 0, 2
"""ggml's numbers of two data types."""
WIDTH = 32
"""Numbers per token, the least that Q4_0 can hold: they take `Q4_0_BYTES`."""
Q4_0_BYTES = 18
ARCHITECTURE: dict[str, int | float] = {
    "context_length": 32,
    "embedding_length": WIDTH,
    "feed_forward_length": WIDTH,
    "block_count": 1,
    "attention.head_count": 1,
    "attention.layer_norm_rms_epsilon": 1e-5,
}
SQUARES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@contextlib.contextmanager
def stand_in(path: Path) -> Iterator[Path]:
    """The path of a stand-in for the model at `path`; nothing is left of it. Raises `AiPalError`
    (`model_invalid`), OSError."""
    head, zeros = written(read_vocabulary(path))
    with os.fdopen(_nameless(), "wb") as file:
        file.write(head)
        file.truncate(len(head) + zeros)
        file.flush()
        yield Path(f"/dev/fd/{file.fileno()}")


def _nameless() -> int:
    """A file that is only in memory where that is possible."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vocabulary")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def written(vocabulary: Vocabulary) -> tuple[bytes, int]:
    """A GGUF file up to its weights, and how many bytes of zeros these are. Pure."""
    entries = [
        _text("general.architecture") + struct.pack("<I", TEXT) + _text("llama"),
        *(_number(f"llama.{name}", value) for name, value in ARCHITECTURE.items()),
        *vocabulary.entries,
    ]
    tensors: list[tuple[str, list[int], int]] = [
        ("token_embd", [WIDTH, vocabulary.tokens], Q4_0),
        *((name, [WIDTH], FLOATS) for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")),
        *((f"blk.0.{name}", [WIDTH, WIDTH], Q4_0) for name in SQUARES),
    ]
    head = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(entries)) + b"".join(entries)
    offset = 0
    for name, shape, kind in tensors:
        head += _text(f"{name}.weight") + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", kind, offset)
        rows = shape[1] if len(shape) > 1 else 1
        offset = _aligned(offset + rows * (Q4_0_BYTES if kind == Q4_0 else WIDTH * 4))
    return head.ljust(_aligned(len(head)), b"\0"), offset


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode("ascii")


def _number(key: str, value: float) -> bytes:
    return _text(key) + (
        struct.pack("<II", U32, value) if isinstance(value, int) else struct.pack("<If", F32, value)
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
