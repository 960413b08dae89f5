"""GGUF files that were split into parts: `model-00001-of-00003.gguf` and so on, named by the first. Pure."""

import re
from pathlib import Path

_PART = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.gguf)$", re.IGNORECASE)
MOST = 1000


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
    """The paths of all parts, there or not. Raises ValueError as `part_names`."""
    return [path.with_name(name) for name in part_names(path.name)]
