"""Reads the front of a GGUF file: enough to refuse junk and to know the model's window."""

import struct
from pathlib import Path
from typing import Any, BinaryIO

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


class Header(msgspec.Struct, frozen=True):
    """`context` is the window in tokens that the model was trained for, 0 if the file does not say;
    `size` in bytes."""

    architecture: str
    name: str
    context: int
    size: int


def read_header(path: Path) -> Header:
    """Raises `AiPalError` (`model_invalid`)."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(file, path, size)
    except OSError as error:
        fail(Code.MODEL_INVALID, f"{path} cannot be read: {error.strerror}", HINT)
    except (struct.error, UnicodeDecodeError, KeyError, ValueError):
        fail(Code.MODEL_INVALID, f"{path} is not a whole GGUF file: its header is damaged", HINT)


def _read(file: BinaryIO, path: Path, size: int) -> Header:
    if file.read(len(MAGIC)) != MAGIC or size < SMALLEST:
        fail(Code.MODEL_INVALID, f"{path} is not a GGUF model file", HINT)
    version, _tensors, entries = _unpack(file, "<IQQ")
    if version not in VERSIONS or entries > MOST_ENTRIES:
        fail(Code.MODEL_INVALID, f"{path} has an unsupported GGUF version ({version})", HINT)
    found: dict[str, Any] = {}
    for _ in range(entries):
        key = _text(file)
        if key.startswith("tokenizer."):
            break  # long lists follow, and nothing that is needed here
        found[key] = _value(file, _unpack(file, "<I")[0])
    architecture = str(found.get("general.architecture", ""))
    context = int(found.get(f"{architecture}.context_length", 0))
    return Header(architecture, str(found.get("general.name", "")), context, size)


def _value(file: BinaryIO, kind: int) -> object:
    if kind == TEXT:
        return _text(file)
    if kind != ARRAY:
        return _unpack(file, NUMBERS[kind])[0]
    of, count = _unpack(file, "<IQ")
    if count > MOST_ENTRIES:
        raise ValueError(count)
    if of == TEXT:
        return [_text(file) for _ in range(count)]
    file.seek(count * struct.calcsize(NUMBERS[of]), 1)
    return None


def _text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "<Q")
    if length > LONGEST_TEXT:
        raise ValueError(length)
    return file.read(length).decode()


def _unpack(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
