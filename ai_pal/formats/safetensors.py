"""Reads the header of a safetensors file: data types and sizes, never a weight."""

import struct
from collections import Counter

import msgspec

LONGEST_HEADER = 100_000_000
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8}
METADATA = "__metadata__"


class _Tensor(msgspec.Struct, frozen=True):
    dtype: str
    data_offsets: tuple[int, int]


def header_length(first: bytes) -> int:
    """The bytes of the header behind the first 8 of the file. Raises ValueError."""
    if len(first) < 8:
        raise ValueError("cut off")
    (length,) = struct.unpack("<Q", first[:8])
    if length > LONGEST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    return int(length)


def bytes_by_dtype(header: bytes) -> Counter[str]:
    """How many bytes each data type ("BF16", "F32", ...) takes. Raises ValueError."""
    sizes: Counter[str] = Counter()
    for name, raw in msgspec.json.decode(header, type=dict[str, msgspec.Raw]).items():
        if name != METADATA:
            tensor = msgspec.json.decode(raw, type=_Tensor)
            sizes[tensor.dtype] += max(0, tensor.data_offsets[1] - tensor.data_offsets[0])
    return sizes
