"""Reads the front of a GGUF file: enough to refuse junk, to know the window, and to estimate memory."""

import contextlib
import math
import mmap
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats.gguf_parts import part_paths

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SMALLEST = 1024
MOST_ENTRIES = 1_000_000
"""Keys, and tensors."""
MOST_TEXTS = 8_000_000
"""Of one list: each costs a step."""
LONGEST_KEPT = 1 << 20
"""Of a longer text only so many bytes are read."""
HINT = "fetch the model again, or choose another file"
ADAPTER = "only an adapter (LoRA), not a whole model", "merge it into its base model, or name the base model"
PROJECTOR = "only the part of a model that sees (mmproj)", "name the file of the model that it belongs to"
MEASURES = "only what was measured of a model (imatrix), no model", "name the file of the model itself"
NO_MODELS = {"adapter": ADAPTER, "mmproj": PROJECTOR, "imatrix": MEASURES}
"""By `general.type`: what it is instead, and what to do."""
TEXT, ARRAY = 8, 9
NUMBERS = dict(zip((*range(8), *range(10, 13)), [f"<{code}" for code in "BbHhIif?Qqd"], strict=True))
VOCABULARY = "tokenizer.ggml.tokens"
WEIGHT = b".weight"
LONGEST_NAME = 64
FARTHEST = 64 << 20
"""Bytes within which the table of tensors is searched for."""
MOST_FOUND, MOST_TRIES = 1000, 8
"""A hostile file gets no more."""


MEAN, RANK = 1, 4
"""Two of llama.cpp's numbers for how the vectors of a text become one; a model that ranks has no vector."""
ENCODERS = ("bert", "gemma-embedding", "t5encoder")
"""How the names of architectures end that read texts and write none."""


class Header(msgspec.Struct, frozen=True):
    """`context` is the window in tokens that the model was trained for, 0 if the file does not say; `size` in
    bytes; `kv_values` is how many numbers the cache keeps of one token; `pooling` is llama.cpp's number for
    how a text becomes one vector, 0 for a model that writes."""

    architecture: str
    name: str
    context: int
    size: int
    kv_values: int = 0
    pooling: int = 0


class Tensor(msgspec.Struct, frozen=True):
    """`kind` is ggml's number of the data type, `size` in bytes with padding, `weights` how many numbers."""

    name: str
    kind: int
    size: int
    weights: int = 0


class Layout(msgspec.Struct, frozen=True):
    """The whole front of the file; `vocabulary` in tokens."""

    header: Header
    vocabulary: int
    tensors: list[Tensor]
    refusal: tuple[str, str] | None = None
    """What it is instead of a model, and what to do."""


def read_header(path: Path) -> Header:
    """The header, with the size of all parts. Raises `AiPalError` (`model_invalid`)."""
    return _joined([_read(path, whole=False)], path).header


def read_layout(path: Path) -> Layout:
    """The header and the tensors of all parts; jumps over the vocabulary.

    Raises `AiPalError` (`model_invalid`)."""
    return _joined([_read(part, whole=True) for part in part_paths(path)], path)


def pooling_of(header: Header) -> int:
    """How a text becomes one vector, by llama.cpp's number; 0 for a model that writes."""
    encodes = header.architecture.endswith(ENCODERS) or "-bert-" in header.architecture
    return header.pooling or (MEAN if encodes else 0)


def check_whole(path: Path) -> None:
    """Raises `AiPalError` (`model_invalid`) for what no engine loads: a file of another kind, or one that
    ends too early. What else is odd is for the engine to judge."""
    for part in part_paths(path):
        try:
            layout = _read(part, whole=True)
        except AiPalError as error:
            if not isinstance(error.__context__, struct.error):
                continue
            lacking = 1  # it ends within its header
        else:
            if layout.refusal:
                what, hint = layout.refusal
                fail(Code.MODEL_INVALID, f"{part} is {what}", hint)
            lacking = max((-tensor.size for tensor in layout.tensors), default=0)
        if lacking > 0:
            fail(Code.MODEL_INVALID, f"{part} ends too early: it was cut off", HINT)


def _joined(layouts: list[Layout], path: Path) -> Layout:
    """One layout of all parts. Raises `AiPalError` (`model_invalid`)."""
    first = layouts[0]
    try:
        size = sum(part.stat().st_size for part in part_paths(path))
    except OSError as error:
        fail(Code.MODEL_INVALID, f"{error.filename} cannot be read: {error.strerror}", HINT)
    header = msgspec.structs.replace(first.header, size=size)
    return Layout(header, first.vocabulary, [tensor for one in layouts for tensor in one.tensors])


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
    tensors: list[Tensor] = []
    for _ in range(entries):
        key = cursor.text()
        if key.startswith("tokenizer.") and not whole and _is_described(found):
            break  # long lists follow, and nothing that is needed here
        if (
            key == VOCABULARY
            and _is_described(found)
            and (jumped := cursor.past_texts(count, size)) is not None
        ):
            found[key], tensors = jumped
            break  # what else there is belongs to the tokenizer
        found[key] = cursor.value(cursor.unpack("<I")[0])
    else:
        tensors = cursor.tensors(count, size) if whole else []
    architecture = str(found.get("general.architecture", ""))
    context = int(found.get(f"{architecture}.context_length", 0))
    name = str(found.get("general.name", ""))
    pooling = int(found.get(f"{architecture}.pooling_type", 0))
    header = Header(architecture, name, context, size, _kv_values(found, architecture), pooling)
    vocabulary = found.get(VOCABULARY, 0)
    refusal = NO_MODELS.get(str(found.get("general.type")))
    if architecture == "clip":
        refusal = PROJECTOR
    return Layout(header, int(vocabulary), tensors, refusal)


def _is_described(found: dict[str, Any]) -> bool:
    """Whether what is wanted of the model was read: usually that stands before its vocabulary."""
    architecture = found.get("general.architecture")
    wanted = ("context_length", "block_count", "embedding_length", "attention.head_count")
    return all(f"{architecture}.{key}" in found for key in wanted)


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

    def __init__(self, data: "bytes | mmap.mmap", at: int = len(MAGIC)) -> None:
        self._data = data
        self._at = at

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
        if of == TEXT:
            self._skip_texts(count)
            return count
        if count <= 4096:
            return list(self.unpack(f"<{count}{NUMBERS[of][1]}"))
        self._at += count * struct.calcsize(NUMBERS[of])
        return count

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
            return _Cursor(self._data, start).tensors(count, size, strict=True)
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


def bytes_by_kind(tensors: list[Tensor]) -> Counter[int]:
    """How many bytes each data type takes."""
    sizes: Counter[int] = Counter()
    for tensor in tensors:
        sizes[tensor.kind] += tensor.size
    return sizes
