"""What the files of a model say of it, entry by entry: for programs that show more than its figures."""

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ai_pal.catalog.inventory.details import Details
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf import read_header, stamp_of
from ai_pal.formats.gguf_metadata import Metadata, read_metadata
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.formats.projector import projector_of


class Told(NamedTuple):
    """Of the model, and of what it sees or hears with."""

    model: Metadata
    projector: Metadata | None = None


def metadata_of(known: Details, *, lists: bool = False) -> Told | None:
    """None for a model that is no GGUF file on this machine, or whose file is damaged. `lists` brings in the
    vocabulary too, which may be megabytes."""
    if not known.file:
        return None
    with contextlib.suppress(AiPalError, OSError, ValueError):
        path = Path(known.file)
        found = projector_of(path, read_header(path), known.mmproj)
        return Told(_metadata(path, lists=lists), _metadata(found.path, lists=lists) if found else None)
    return None


def _metadata(path: Path, *, lists: bool) -> Metadata:
    if lists:
        return read_metadata(path, lists=True)
    return _without_lists(path, tuple(map(stamp_of, part_paths(path))))


@lru_cache(maxsize=64)
def _without_lists(path: Path, _stamps: tuple[tuple[int, ...], ...]) -> Metadata:
    return read_metadata(path)
