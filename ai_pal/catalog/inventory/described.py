"""What only a look into its files tells of a model: for `list --json` and `show`, which say the same."""

import contextlib
from pathlib import Path

import msgspec

from ai_pal.catalog.inventory.listed import Listed
from ai_pal.catalog.inventory.strengths import strengths_of
from ai_pal.catalog.known.model import KnownModel, Strength
from ai_pal.catalog.references.finding import find
from ai_pal.catalog.references.resolve import resolve
from ai_pal.config import Settings, paths
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf import read_header
from ai_pal.formats.projector import projector_of
from ai_pal.memory.estimates import LearnedFootprints, window_of
from ai_pal.memory.estimates.window import Window, window
from ai_pal.protocol.worker import LoadModel


class Described(msgspec.Struct, frozen=True):
    """`memory` is what a load reserves, in bytes, 0 for not known; `projector` the file that it sees or hears
    with."""

    memory: int = 0
    window: Window | None = None
    strengths: tuple[Strength, ...] = ()
    projector: str = ""


def describe(load: LoadModel, entry: KnownModel | None) -> Described:
    """By the files where they are here (`load.path`), else by what the catalog says."""
    known = entry.context if entry else 0
    seen = window(load.context, known) if known else None
    if not load.path:
        return Described(0, seen, entry.strengths if entry else ())
    with contextlib.suppress(AiPalError, OSError, ValueError):
        seen = window_of(load) or seen
    memory = LearnedFootprints(paths.peaks_file()).need(load)
    return Described(memory, seen, strengths_of(load, entry), _projector(load))


def described(listed: Listed, settings: Settings) -> Listed:
    """With the figures of its files, if it is here and whole."""
    if not listed.path or listed.state not in ("verified", "here"):
        return listed
    try:
        load, found = resolve(listed.name, settings), find(listed.name, settings)
    except (AiPalError, OSError, ValueError):
        return listed
    facts = describe(load, found.entry)
    context = facts.window.trained if facts.window else 0
    return msgspec.structs.replace(
        listed,
        memory=facts.memory or listed.memory,
        context=context or listed.context,
        strengths=facts.strengths,
    )


def _projector(load: LoadModel) -> str:
    with contextlib.suppress(AiPalError, OSError, ValueError):
        if load.engine == "llamacpp":
            path = Path(load.path)
            found = projector_of(path, read_header(path), str(load.options.get("mmproj", "")))
            return str(found.path) if found else ""
    return ""
