"""The forms of one model that are here: what has the same weights in other numbers."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ai_pal.catalog.choosing.machine import installed
from ai_pal.catalog.known.names import unhidden
from ai_pal.catalog.references.finding import default_model, find
from ai_pal.catalog.references.found import Found
from ai_pal.catalog.references.text import join, split
from ai_pal.catalog.weights.ggufs import gguf_file, is_projector, quant, quants
from ai_pal.config import Settings
from ai_pal.errors import AiPalError
from ai_pal.protocol.wanted import HubFiles

_PART = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")
"""A file of several says so; its form is that of all of them."""


def other_forms(reference: str, settings: Settings) -> list[str]:
    """References of the other quantizations of a model that are on this machine and run here, the largest
    first, each with the options of `reference` (an empty one is the default model). Raises `AiPalError`."""
    reference = reference or default_model(settings)
    found, options = find(reference, settings), split(reference).options
    seen, others = {_form(found)}, list[tuple[int, str]]()
    for name in _names(found, settings):
        with contextlib.suppress(AiPalError):
            other = find(name, settings)
            if other.path and other.problem is None and _form(other) not in seen:
                seen.add(_form(other))
                others.append((other.size, join(name, options)))
    return [name for _, name in sorted(others, reverse=True)]


def _form(found: Found) -> tuple[str, str]:
    """What tells two forms apart: the files, and what becomes of them while they are loaded."""
    return os.path.realpath(found.path), str(found.options.get("quantize", ""))


def _names(found: Found, settings: Settings) -> Iterator[str]:
    """What other forms of this model would be called."""
    path = Path(found.path)
    beside = _beside(path) if found.path.lower().endswith(".gguf") else []
    if found.entry is not None:
        name = unhidden(found.entry.name, settings)
        runs = [one for one in found.entry.variants if installed().issuperset(one.needs)]
        yield from (f"{name}:{one.name}" for one in runs)
        yield from (f"{name}:{kind}" for kind in quants(beside))
    elif isinstance(found.wanted, HubFiles):
        revision = f"@{found.wanted.revision}" if found.wanted.revision else ""
        yield from (f"{found.wanted.repo}{revision}:{kind}" for kind in quants(beside))
    else:
        for kind in quants(beside):
            with contextlib.suppress(AiPalError):
                yield str(path.with_name(gguf_file(beside, kind, path.name)))


def _beside(file: Path) -> list[str]:
    """The GGUF files of its folder that are called as this one is but for the quantization."""
    names = [one.name for one in file.parent.glob("*") if quant(one.name) and not is_projector(one.name)]
    return [name for name in names if _stem(name) == _stem(file.name)]


def _stem(name: str) -> str:
    head, _, tail = _PART.sub("", name.lower()).rpartition(quant(name).lower())
    return head + tail
