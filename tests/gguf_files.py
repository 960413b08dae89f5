"""GGUF files without a model in them: metadata, a table of tensors, zeros."""

import struct

U32, TEXT, ARRAY = 4, 8, 9


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def entry(key: str, value: object) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", TEXT) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", U32, value)
    assert isinstance(value, list)
    kind = TEXT if isinstance(value[0], str) else U32
    items = b"".join(text(one) if isinstance(one, str) else struct.pack("<I", one) for one in value)
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + items


def gguf(entries: dict[str, object], tensors: list[tuple[str, int, int]], data: int = 2048) -> bytes:
    """A file with these metadata and (name, kind, offset) tensors."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
    head += b"".join(entry(key, value) for key, value in entries.items())
    for name, kind, offset in tensors:
        head += text(name) + struct.pack("<IQQIQ", 2, 8, 8, kind, offset)
    return head + bytes(data)
