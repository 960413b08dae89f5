"""Splits a GGUF file as llama.cpp's own tool does: the metadata in the first part, tensors in all. Adds to
the metadata of one."""

import struct
from pathlib import Path

from ai_pal.formats.gguf_cursor import Cursor
from ai_pal.formats.gguf_parts import part_names

ALIGNMENT = 32
U16, U32, I32 = 2, 4, 5


def split(file: Path, folder: Path, name: str, parts: int = 2) -> Path:
    """Write the parts of `file` into `folder`; the path of the first one."""
    metadata, entries, tensors = _read(file)
    count = len(tensors)
    names = part_names(f"{name}-00001-of-{parts:05}.gguf")
    for number, part in enumerate(names):
        own = tensors[number * count // parts : (number + 1) * count // parts]
        entry = _entry("split.no", U16, "H", number) + _entry("split.count", U16, "H", parts)
        entry += _entry("split.tensors.count", I32, "i", count)
        first = number == 0
        content = _file(metadata * first + entry, entries * first + 3, own)
        (folder / part).write_bytes(content)
    return folder / names[0]


def with_numbers(file: Path, into: Path, numbers: dict[str, int]) -> Path:
    """A copy of `file` with more metadata: whole numbers of 32 bits."""
    metadata, entries, tensors = _read(file)
    more = b"".join(_entry(key, U32, "I", value) for key, value in numbers.items())
    into.write_bytes(_file(metadata + more, entries + len(numbers), tensors))
    return into


def with_layers(file: Path, into: Path, layers: int) -> Path:
    """A copy of `file`, which is one of Llama's, with its first layers only."""
    metadata, entries, tensors = _read(file)
    count = _entry("llama.block_count", U32, "I", layers)
    at = metadata.index(count[:-4])
    metadata = metadata[:at] + count + metadata[at + len(count) :]
    kept = [one for one in tensors if _layer(one[0]) < layers]
    assert len(kept) < len(tensors)
    into.write_bytes(_file(metadata, entries, kept))
    return into


def _layer(head: bytes) -> int:
    """Which layer a tensor is of; those that are of none count to the first."""
    (length,) = struct.unpack_from("<Q", head)
    words = head[8 : 8 + length].split(b".")
    return int(words[1]) if words[0] == b"blk" else 0


def _read(file: Path) -> tuple[bytes, int, list[tuple[bytes, int, bytes]]]:
    """The metadata, how many entries they are, and the tensors."""
    data = file.read_bytes()
    cursor = Cursor(data)
    _version, count, entries = cursor.unpack("<IQQ")
    begin = cursor._at
    for _ in range(entries):
        cursor.text()
        cursor.value(cursor.unpack("<I")[0])
    metadata = data[begin : cursor._at]
    infos = sorted((_info(cursor) for _ in range(count)), key=lambda info: info[2])
    at = _aligned(cursor._at)
    ends = [info[2] for info in infos[1:]] + [len(data) - at]
    tensors = [
        (head, kind, data[at + o : at + end]) for (head, kind, o), end in zip(infos, ends, strict=True)
    ]
    return metadata, entries, tensors


def _info(cursor: Cursor) -> tuple[bytes, int, int]:
    """The name and shape as they are, the kind, the offset."""
    name = cursor.text().encode()
    (dimensions,) = cursor.unpack("<I")
    *shape, kind, offset = cursor.unpack(f"<{dimensions}QIQ")
    return (
        struct.pack("<Q", len(name)) + name + struct.pack(f"<I{dimensions}Q", dimensions, *shape),
        kind,
        offset,
    )


def _file(metadata: bytes, entries: int, tensors: list[tuple[bytes, int, bytes]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), entries) + metadata
    offset, body = 0, b""
    for info, kind, data in tensors:
        head += info + struct.pack("<IQ", kind, offset)
        offset += len(data)
        body += data
    return head.ljust(_aligned(len(head)), b"\0") + body


def _entry(key: str, kind: int, code: str, value: int) -> bytes:
    return struct.pack("<Q", len(key)) + key.encode() + struct.pack(f"<I{code}", kind, value)


def _aligned(at: int) -> int:
    return -(-at // ALIGNMENT) * ALIGNMENT
