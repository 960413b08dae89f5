"""Model files by identity: the same on every machine that has fetched the same."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MOST_FILES = 10_000

OUTSIDE = "outside"
"""Folder under a node's cache: what lies outside of any cache on the machine that it came from."""


def identities(cache: Path) -> Iterator[str]:
    """The files under a cache, each by its place there and its size: the place names the repository and its
    revision, or the published file. Bounded, and nothing that is still on its way."""
    left = MOST_FILES
    for folder, folders, names in os.walk(cache):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            identity = identity_of(Path(folder) / name, cache)
            if identity is not None and left > 0:
                left -= 1
                yield identity


def identity_of(file: Path, cache: Path) -> str | None:
    """The identity of one file of this cache; None: it is none, has gone, or has a name that is no text."""
    try:
        place = file.relative_to(cache).as_posix()
        place.encode()
        return f"{place}:{file.stat().st_size}"
    except (OSError, ValueError):
        return None


def place_outside(path: Path, files: Iterable[Path]) -> str:
    """The place under a node's cache of what is named by a path outside of ours, and made of these files: it
    is another one when their names, sizes or times of change are. Raises OSError."""
    facts = [str(path)]
    for file in files:
        found = file.stat()
        facts.append(f"{file.name}:{found.st_size}:{found.st_mtime_ns}")
    return f"{OUTSIDE}/{hashlib.sha256('|'.join(facts).encode()).hexdigest()[:16]}/{path.name}"
