"""GGUF files that were split into parts: `model-00001-of-00003.gguf` and so on, named by the first."""

import mmap
import re
import struct
from pathlib import Path

_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.gguf)$", re.IGNORECASE)
MOST = 1000
FARTHEST = 64 << 20
"""Bytes within which a file says that it is a part."""

_COUNT = struct.pack("<Q", len(b"split.count")) + b"split.count"
_WIDTHS = {2: "<H", 4: "<I", 5: "<i"}


def part_names(name: str) -> list[str]:
    """The names of all parts, the first one first, by the name of any; another name alone.

    Raises ValueError for numbers that no splitting makes."""
    found = _PART.search(name)
    if found is None:
        return [name]
    number, count = int(found["number"]), int(found["count"])
    if not 1 <= number <= count <= MOST:
        raise ValueError(f"{name} is part {number} of {count}")
    stem = name[: found.start()]
    return [f"{stem}-{one:05}-of-{count:05}{found['end']}" for one in range(1, count + 1)]


def part_paths(path: Path) -> list[Path]:
    """The paths of all parts, there or not; a whole file may have the name of a part. Raises ValueError as
    `part_names`."""
    names = part_names(path.name)
    return [path.with_name(name) for name in names] if len(names) > 1 and _is_part(path) else [path]


def _is_part(path: Path) -> bool:
    """By the file's own word (`split.count`), as llama.cpp goes by; by its name where it is not there."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(_COUNT, 0, FARTHEST)
            if at < 0:
                return False
            (kind,) = struct.unpack_from("<I", data, at + len(_COUNT))
            (count,) = struct.unpack_from(_WIDTHS[kind], data, at + len(_COUNT) + 4)
            return bool(count > 1)
    except (struct.error, KeyError):
        return False
    except (OSError, ValueError):
        return True
