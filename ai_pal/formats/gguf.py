"""Reads the front of a GGUF file: enough to refuse junk, to know the window, and to estimate memory."""

import contextlib
import mmap
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats.ggml_types import bytes_of
from ai_pal.formats.gguf_cursor import MAGIC, Cursor, Tensor
from ai_pal.formats.gguf_parts import part_paths

SMALLEST = 1024
HINT = "fetch the model again, or choose another file"
ADAPTER = "only an adapter (LoRA), not a whole model", "merge it into its base model, or name the base model"
PROJECTOR = "only the part of a model that sees (mmproj)", "name the file of the model that it belongs to"
MEASURES = "only what was measured of a model (imatrix), no model", "name the file of the model itself"
NO_MODELS = {"adapter": ADAPTER, "mmproj": PROJECTOR, "imatrix": MEASURES}
"""By `general.type`: what it is instead, and what to do."""
VOCABULARY = "tokenizer.ggml.tokens"

MEAN, RANK = 1, 4
"""Two of llama.cpp's numbers for how the vectors of a text become one; a model that ranks has no vector."""
SENSES = ("vision", "audio")
PIECES_OF_SOUND, BYTES_PER_PIECE = 1500, 12
ENCODERS = ("bert", "gemma-embedding", "t5encoder")
"""How the names of architectures end that read texts and write none."""
STATES = ("ssm.", "wkv.", "shortconv.")
"""How the keys begin that a file has for layers with a state."""


class Header(msgspec.Struct, frozen=True):
    """`context` is the window in tokens that the model was trained for, 0 if the file does not say; `size` in
    bytes; `kv_values` is how many numbers the cache keeps of one token; `pooling` is llama.cpp's number for
    how a text becomes one vector, 0 for a model that writes; `width` is how many numbers the model has for a
    token, 0 if the file does not say; `projector` is the kind of file of what a model sees with, and
    `working` about how many bytes that takes beside its weights; `basename` is what all sizes of the model
    are called, `file_type` llama.cpp's number for how weights are stored, -1 if the file does not say;
    `heads` is how many numbers a key and a value have. A `recurrent` one has layers with a state, which
    cannot go back behind a token."""

    architecture: str
    name: str
    context: int
    size: int
    kv_values: int = 0
    pooling: int = 0
    width: int = 0
    projector: str = ""
    working: int = 0
    basename: str = ""
    file_type: int = -1
    recurrent: bool = False
    heads: tuple[int, int] = (0, 0)


class Layout(msgspec.Struct, frozen=True):
    """The whole front of the file; `vocabulary` in tokens."""

    header: Header
    vocabulary: int
    tensors: list[Tensor]
    refusal: tuple[str, str] | None = None
    """What it is instead of a model, and what to do."""


def read_header(path: Path) -> Header:
    """The header, with the size of all parts. It is asked for before many a request: what this very file has
    said is not read again. Raises `AiPalError` (`model_invalid`)."""
    with contextlib.suppress(OSError):
        return _joined([_front(path, stamp_of(path))], path).header
    return _joined([_read(path, whole=False)], path).header


def stamp_of(path: Path) -> tuple[int, ...]:
    """Tells this very file, as it is now, from any other. Raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_layout(path: Path) -> Layout:
    """The header and the tensors of all parts; jumps over the vocabulary.

    Raises `AiPalError` (`model_invalid`)."""
    return _joined([_read(part, whole=True) for part in part_paths(path)], path)


def pooling_of(header: Header) -> int:
    """How a text becomes one vector, by llama.cpp's number; 0 for a model that writes."""
    return header.pooling or (MEAN if _encodes(header.architecture) else 0)


def _encodes(architecture: str) -> bool:
    return architecture.endswith(ENCODERS) or "-bert-" in architecture


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
            for last in layout.tensors[-1:]:  # by its place in the file
                lacking = max(lacking, bytes_of(last.kind, last.weights) - last.size)
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


@lru_cache(maxsize=64)
def _front(path: Path, _stamp: tuple[int, ...]) -> Layout:
    return _read(path, whole=False)


def _read(path: Path, *, whole: bool) -> Layout:
    with opened(path) as (data, size):
        return parse(data, size, whole=whole)


@contextlib.contextmanager
def opened(path: Path, hint: str = HINT) -> Iterator[tuple[mmap.mmap, int]]:
    """The file's bytes and how many they are. Raises `AiPalError` (`model_invalid`), also for what goes wrong
    while they are read."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < SMALLEST or file.read(len(MAGIC)) != MAGIC:
                fail(Code.MODEL_INVALID, f"{path} is not a GGUF file of a model", hint)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data, size
    except OSError as error:
        fail(Code.MODEL_INVALID, f"{path} cannot be read: {error.strerror}", HINT)
    except NotImplementedError as error:
        fail(Code.MODEL_INVALID, f"{path} has an unsupported GGUF version ({error})", HINT)
    except (struct.error, KeyError, TypeError, ValueError, OverflowError):
        fail(Code.MODEL_INVALID, f"{path} is not a whole GGUF file: its header is damaged", HINT)


def parse(data: "bytes | mmap.mmap", size: int, *, whole: bool) -> Layout:
    """The front of a file of `size` bytes. Raises ValueError and its like where it is damaged."""
    cursor = Cursor(data)
    count, entries = cursor.counts()
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
    header = Header(
        architecture,
        name,
        context,
        size,
        _kv_values(found, architecture),
        pooling,
        _width(found, architecture),
        _projector(found),
        _working(found),
        str(found.get("general.basename", "")),
        int(found.get("general.file_type", -1)),
        any(key.startswith(f"{architecture}.{state}") for key in found for state in STATES),
        _heads(found, architecture),
    )
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


def _width(found: dict[str, Any], architecture: str) -> int:
    """Of a projector the numbers that it makes for a token of the model behind it; old ones say another."""
    if any(key.startswith("clip.has_") and key.endswith("_projector") for key in found):
        return 0
    names = [f"{architecture}.{sense}.projection_dim" for sense in SENSES]
    return next(
        (int(found[name]) for name in (*names, f"{architecture}.embedding_length") if name in found), 0
    )


def _working(found: dict[str, Any]) -> int:
    """By the pieces that it cuts pictures or half a minute of sound into; the factor was measured."""
    pieces = {"vision": 0, "audio": PIECES_OF_SOUND}
    if side := int(found.get("clip.vision.patch_size", 0)):
        pieces["vision"] = (int(found.get("clip.vision.image_size", 0)) // side) ** 2
    return sum(
        BYTES_PER_PIECE
        * pieces[sense]
        * sum(
            int(found.get(f"clip.{sense}.{size}", 0)) for size in ("embedding_length", "feed_forward_length")
        )
        for sense in SENSES
    )


def _projector(found: dict[str, Any]) -> str:
    names = ("clip.projector_type", *(f"clip.{sense}.projector_type" for sense in SENSES))
    return next((str(found[name]) for name in names if name in found), "")


def _kv_values(found: dict[str, Any], architecture: str) -> int:
    if _encodes(architecture):
        return 0  # it reads a text at once
    layers = int(found.get(f"{architecture}.block_count", 0))
    kv_heads = found.get(f"{architecture}.attention.head_count_kv", _head_count(found, architecture))
    values = sum(_heads(found, architecture))
    return values * (sum(kv_heads) if isinstance(kv_heads, list) else layers * int(kv_heads))


def _heads(found: dict[str, Any], architecture: str) -> tuple[int, int]:
    """How many numbers a key and a value have."""
    heads = max(_largest(_head_count(found, architecture)), 1)
    head = int(found.get(f"{architecture}.embedding_length", 0)) // heads
    key, value = (found.get(f"{architecture}.attention.{of}_length", head) for of in ("key", "value"))
    return int(key), int(value)


def _head_count(found: dict[str, Any], architecture: str) -> Any:
    return found.get(f"{architecture}.attention.head_count", 0)


def _largest(heads: Any) -> int:
    return int(max(heads, default=0) if isinstance(heads, list) else heads)
