"""Models of one's own: how large they are, out of their files, to be compared with known ones."""

import math
from functools import lru_cache
from pathlib import Path

from ai_pal.catalog.weights import files
from ai_pal.formats.gguf import read_layout
from ai_pal.formats.safetensors import BITS, bytes_by_dtype, header_length

_RUNTIME = 100_000_000


def parameters(path: str) -> int:
    """How many weights a GGUF file or a model folder holds. Raises `AiPalError`, OSError or ValueError."""
    found = Path(path).stat()
    return _parameters(path, found.st_size, found.st_mtime_ns)


def memory(size: int) -> int:
    """Bytes while it answers, by those of its files: weights may be kept once more in a faster layout."""
    return size * 3 // 2 + _RUNTIME


@lru_cache(maxsize=64)
def _parameters(path: str, _size: int, _modified: int) -> int:
    where = Path(path)
    if where.is_dir():
        return sum(_in_safetensors(where / name) for name in files.weight_files(where))
    return sum(tensor.weights for tensor in read_layout(where).tensors)


def _in_safetensors(file: Path) -> int:
    with file.open("rb") as opened:
        sizes = bytes_by_dtype(opened.read(header_length(opened.read(8))))
    return math.ceil(sum(8 * size / BITS.get(dtype, 8) for dtype, size in sizes.items()))
