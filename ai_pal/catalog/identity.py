"""Model files by identity: the same on every machine that has fetched the same."""

import os
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 10_000


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
    """The identity of one file of this cache; None: it is none, or has gone."""
    try:
        return f"{file.relative_to(cache).as_posix()}:{file.stat().st_size}"
    except (OSError, ValueError):
        return None
