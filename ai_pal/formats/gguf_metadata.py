"""All that the front of a GGUF file says of a model, for programs that show it: every entry, every tensor."""

import math
import struct
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.formats.ggml_types import TENSOR_TYPES
from ai_pal.formats.gguf import opened
from ai_pal.formats.gguf_cursor import ARRAY, FARTHEST, NUMBERS, TEXT, Cursor
from ai_pal.formats.gguf_parts import part_paths

MOST_VALUES = 4_000_000
"""In all lists together; the largest vocabularies have a third of it."""
SINGLE = 6
"""GGUF's number for a number of 32 bits with a point."""


class NamedTensor(msgspec.Struct, frozen=True):
    """One tensor, with its dimensions in the file's order."""

    name: str
    type: str
    shape: list[int]


class Metadata(msgspec.Struct, frozen=True):
    """`entries` by their keys, and the tensors of all parts. A list is None, unless lists were asked for."""

    entries: dict[str, Any]
    tensors: list[NamedTensor]

    @property
    def weights(self) -> int:
        """How many numbers the model has learnt."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors)


def read_metadata(path: Path, *, lists: bool = False) -> Metadata:
    """Raises `AiPalError` (`model_invalid`), also where the front is longer than any model's."""
    parts = [_read(part, lists=lists) for part in part_paths(path)]
    return Metadata(parts[0].entries, [tensor for part in parts for tensor in part.tensors])


def _read(path: Path, *, lists: bool) -> Metadata:
    with opened(path) as (data, _):
        cursor = Cursor(data)
        count, entries = cursor.counts()
        found: dict[str, Any] = {}
        room = MOST_VALUES if lists else 0
        for _ in range(entries):
            key = _near(cursor).text()
            (kind,) = cursor.unpack("<I")
            if kind == ARRAY:
                found[key] = _list(cursor, room)
                room -= len(found[key] or ())
            else:
                found[key] = _told(kind, cursor.value(kind))
        return Metadata(found, [_tensor(_near(cursor)) for _ in range(count)])


def _near(cursor: Cursor) -> Cursor:
    if cursor.at > FARTHEST:
        raise ValueError("the front has no end")
    return cursor


def _list(cursor: Cursor, room: int) -> list[Any] | None:
    of, count = cursor.unpack("<IQ")
    if count > room:
        cursor.skip(of, count)
        return None
    if of == TEXT:
        return [_near(cursor).text() for _ in range(count)]
    return [_told(of, value) for value in cursor.unpack(f"<{count}{NUMBERS[of][1]}")]


def _told(kind: int, value: Any) -> Any:
    """A number of 32 bits in no more digits than it has: 1e-05, not 9.999999747378752e-06."""
    if kind != SINGLE or not math.isfinite(value) or value.is_integer():
        return value
    return next(
        short
        for digits in range(6, 10)
        if struct.pack("<f", short := float(f"{value:.{digits}g}")) == struct.pack("<f", value)
    )


def _tensor(cursor: Cursor) -> NamedTensor:
    name = cursor.text()
    (dimensions,) = cursor.unpack("<I")
    *shape, kind, _ = cursor.unpack(f"<{min(dimensions, 8)}QIQ")
    return NamedTensor(name, TENSOR_TYPES.get(kind, "unknown"), shape)
