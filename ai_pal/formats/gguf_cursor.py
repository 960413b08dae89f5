"""Reads the front of a GGUF file forwards: numbers, texts, entries, the table of tensors."""

import contextlib
import math
import mmap
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_ENTRIES = 1_000_000
"""Keys, and tensors."""
MOST_TEXTS = 8_000_000
"""Of one list: each costs a step."""
LONGEST_KEPT = 1 << 20
"""Of a longer text only so many bytes are read."""
TEXT, ARRAY = 8, 9
NUMBERS = dict(zip((*range(8), *range(10, 13)), [f"<{code}" for code in "BbHhIif?Qqd"], strict=True))
WEIGHT = b".weight"
LONGEST_NAME = 64
FARTHEST = 64 << 20
"""Bytes within which the table of tensors is searched for."""
MOST_FOUND, MOST_TRIES = 1000, 8
"""A hostile file gets no more."""


class Tensor(msgspec.Struct, frozen=True):
    """`kind` is ggml's number of the data type, `size` in bytes with padding, `weights` how many numbers."""

    name: str
    kind: int
    size: int
    weights: int = 0


class Cursor:
    """Reads forwards. Small lists of numbers are kept, of others the length."""

    def __init__(self, data: "bytes | mmap.mmap", at: int = len(MAGIC)) -> None:
        self._data = data
        self._at = at

    @property
    def at(self) -> int:
        """How far it is."""
        return self._at

    def counts(self) -> tuple[int, int]:
        """How many tensors and entries the file says that it has."""
        version, tensors, entries = self.unpack("<IQQ")
        if version not in VERSIONS:
            raise NotImplementedError(version)
        if max(entries, tensors) > MOST_ENTRIES:
            raise ValueError("too many entries")
        return tensors, entries

    def unpack(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def text(self) -> str:
        """Whatever its encoding: llama.cpp does not look."""
        (length,) = self.unpack("<Q")
        if length > len(self._data) - self._at:
            raise ValueError("cut off")
        text = self._data[self._at : self._at + min(length, LONGEST_KEPT)]
        self._at += length
        return text.decode(errors="replace")

    def value(self, kind: int) -> Any:
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            return self.unpack(NUMBERS[kind])[0]
        of, count = self.unpack("<IQ")
        if of == TEXT or count > 4096:
            self.skip(of, count)
            return count
        return list(self.unpack(f"<{count}{NUMBERS[of][1]}"))

    def skip(self, of: int, count: int) -> None:
        """Go on behind so many values of a list."""
        if of == TEXT:
            self._skip_texts(count)
        else:
            self._at += count * struct.calcsize(NUMBERS[of])

    def _skip_texts(self, count: int) -> None:
        if count > MOST_TEXTS:
            raise ValueError(count)
        data, at, length_of = self._data, self._at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_of(data, at)[0]
        self._at = at

    def past_texts(self, tensors: int, size: int) -> tuple[int, list[Tensor]] | None:
        """The length of the list of texts that begins here, and the tensors that come somewhere after it.

        Its hundred thousands of texts, and those of the lists behind it, have no index: one after the
        other they cost up to 100 ms. So the table of tensors is searched for: its first entry has a
        name that ends so, the offset 0, and all others behind it. None where it is not found like that."""
        kind, of, length = struct.unpack_from("<IIQ", self._data, self._at)
        if (kind, of) != (ARRAY, TEXT) or length > MOST_TEXTS:
            return None
        likely = (start for start in self._named_weights() if self._table(start, 1, size))
        for start in islice(likely, MOST_TRIES):
            if table := self._table(start, tensors, size):
                return length, table
        return None

    def _table(self, start: int, count: int, size: int) -> list[Tensor]:
        with contextlib.suppress(struct.error, ValueError):
            return Cursor(self._data, start).tensors(count, size, strict=True)
        return []

    def _named_weights(self) -> Iterator[int]:
        """Where a text begins that is the name of weights."""
        at, end = self._at, self._at + FARTHEST
        for _ in range(MOST_FOUND):
            at = self._data.find(WEIGHT, at + 1, end)
            if at < 0:
                return
            for length in range(len(WEIGHT), LONGEST_NAME):
                start = at + len(WEIGHT) - length - 8
                if self._data[start : start + 8] == length.to_bytes(8, "little"):
                    yield start

    def tensors(self, count: int, size: int, *, strict: bool = False) -> list[Tensor]:
        infos: list[tuple[int, str, int, int]] = []
        for _ in range(count):
            name = self.text()
            (dimensions,) = self.unpack("<I")
            *shape, kind, offset = self.unpack(f"<{min(dimensions, 8)}QIQ")
            if strict and ((not infos and offset) or not 0 < dimensions <= 4 or offset >= size):
                raise ValueError("no table of tensors")
            infos.append((offset, name, kind, math.prod(shape)))
        infos.sort()
        if not infos:
            return []
        ends = [offset for offset, *_ in infos[1:]] + [size - self._at]
        return [
            Tensor(name, kind, end - at, weights)
            for (at, name, kind, weights), end in zip(infos, ends, strict=True)
        ]
