"""Reads the front of a GGUF file: enough to refuse junk, to know the window, and to estimate memory."""

import mmap
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import Code, fail

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SMALLEST = 1024
MOST_ENTRIES = 1_000_000
LONGEST_TEXT = 1 << 20
HINT = "fetch the model again, or choose another file"
TEXT, ARRAY = 8, 9
NUMBERS = dict(zip((*range(8), *range(10, 13)), [f"<{code}" for code in "BbHhIif?Qqd"], strict=True))
VOCABULARY = "tokenizer.ggml.tokens"


class Header(msgspec.Struct, frozen=True):
    """`context` is the window in tokens that the model was trained for, 0 if the file does not say;
    `size` in bytes; `kv_values` is how many numbers the cache keeps of one token."""

    architecture: str
    name: str
    context: int
    size: int
    kv_values: int = 0


class Tensor(msgspec.Struct, frozen=True):
    """`kind` is ggml's number of the data type, `size` in bytes with padding."""

    name: str
    kind: int
    size: int


class Layout(msgspec.Struct, frozen=True):
    """The whole front of the file; `vocabulary` in tokens."""

    header: Header
    vocabulary: int
    tensors: list[Tensor]


def read_header(path: Path) -> Header:
    """Raises `AiPalError` (`model_invalid`)."""
    return _read(path, whole=False).header


def read_layout(path: Path) -> Layout:
    """The header and the tensors; passes over the vocabulary, which takes some tens of milliseconds.

    Raises `AiPalError` (`model_invalid`)."""
    return _read(path, whole=True)


def _read(path: Path, *, whole: bool) -> Layout:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < SMALLEST or file.read(len(MAGIC)) != MAGIC:
                fail(Code.MODEL_INVALID, f"{path} is not a GGUF model file", HINT)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return parse(data, size, whole=whole)
    except OSError as error:
        fail(Code.MODEL_INVALID, f"{path} cannot be read: {error.strerror}", HINT)
    except NotImplementedError as error:
        fail(Code.MODEL_INVALID, f"{path} has an unsupported GGUF version ({error})", HINT)
    except (struct.error, KeyError, TypeError, ValueError, OverflowError):
        fail(Code.MODEL_INVALID, f"{path} is not a whole GGUF file: its header is damaged", HINT)


def parse(data: "bytes | mmap.mmap", size: int, *, whole: bool) -> Layout:
    """The front of a file of `size` bytes. Raises ValueError and its like where it is damaged."""
    cursor = _Cursor(data)
    version, count, entries = cursor.unpack("<IQQ")
    if version not in VERSIONS:
        raise NotImplementedError(version)
    if max(entries, count) > MOST_ENTRIES:
        raise ValueError("too many entries")
    found: dict[str, Any] = {}
    for _ in range(entries):
        key = cursor.text()
        if key.startswith("tokenizer.") and not whole:
            break  # long lists follow, and nothing that is needed here
        found[key] = cursor.value(cursor.unpack("<I")[0])
    architecture = str(found.get("general.architecture", ""))
    context = int(found.get(f"{architecture}.context_length", 0))
    name = str(found.get("general.name", ""))
    header = Header(architecture, name, context, size, _kv_values(found, architecture))
    vocabulary = found.get(VOCABULARY, 0)
    return Layout(header, int(vocabulary), cursor.tensors(count, size) if whole else [])


def _kv_values(found: dict[str, Any], architecture: str) -> int:
    def of(key: str, default: int = 0) -> Any:
        return found.get(f"{architecture}.{key}", default)

    layers, heads = int(of("block_count")), of("attention.head_count")
    kv_heads = of("attention.head_count_kv", heads)
    head = int(of("embedding_length")) // max(_largest(heads), 1)
    values = int(of("attention.key_length", head)) + int(of("attention.value_length", head))
    return values * (sum(kv_heads) if isinstance(kv_heads, list) else layers * int(kv_heads))


def _largest(heads: Any) -> int:
    return int(max(heads, default=0) if isinstance(heads, list) else heads)


class _Cursor:
    """Reads forwards. Small lists of numbers are kept, of others the length."""

    def __init__(self, data: "bytes | mmap.mmap") -> None:
        self._data = data
        self._at = len(MAGIC)

    def unpack(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def text(self) -> str:
        (length,) = self.unpack("<Q")
        if length > LONGEST_TEXT:
            raise ValueError(length)
        text = self._data[self._at : self._at + length]
        if len(text) != length:
            raise ValueError("cut off")
        self._at += length
        return text.decode()

    def value(self, kind: int) -> Any:
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            return self.unpack(NUMBERS[kind])[0]
        of, count = self.unpack("<IQ")
        if count > MOST_ENTRIES:
            raise ValueError(count)
        if of == TEXT:
            self._skip_texts(count)
            return count
        if count <= 4096:
            return list(self.unpack(f"<{count}{NUMBERS[of][1]}"))
        self._at += count * struct.calcsize(NUMBERS[of])
        return count

    def _skip_texts(self, count: int) -> None:
        data, at, length_of = self._data, self._at, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length_of(data, at)[0]
        self._at = at

    def tensors(self, count: int, size: int) -> list[Tensor]:
        infos = []
        for _ in range(count):
            name = self.text()
            (dimensions,) = self.unpack("<I")
            *_shape, kind, offset = self.unpack(f"<{min(dimensions, 8)}QIQ")
            infos.append((offset, name, kind))
        infos.sort()
        ends = [offset for offset, _, _ in infos[1:]] + [size - self._at]
        return [Tensor(name, kind, end - at) for (at, name, kind), end in zip(infos, ends, strict=True)]


def bytes_by_kind(tensors: list[Tensor]) -> Counter[int]:
    """How many bytes each data type takes."""
    sizes: Counter[int] = Counter()
    for tensor in tensors:
        sizes[tensor.kind] += tensor.size
    return sizes
