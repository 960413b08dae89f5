"""Who may answer while another model is fetched: one that is here, and is not slower to load."""

from typing import TYPE_CHECKING

from ai_pal.errors import AiPalError

if TYPE_CHECKING:
    from ai_pal.catalog import Found
    from ai_pal.config import Settings

BYTES_PER_SECOND = 500e6
"""What a disk gives, about. It weighs models against each other, and no clock is set by it."""
ENGINE_SECONDS = {"echo": 0.0, "llamacpp": 0.5, "transformers": 5.0}
"""Before an engine reads the first weight: torch takes its time to import."""
UNKNOWN_SECONDS = 2.0
"""A repository whose size nobody has told yet is taken for a small model."""


def load_seconds(engine: str, size: int) -> float:
    """About how long a model of so many bytes takes to load."""
    return ENGINE_SECONDS.get(engine, 0.0) + size / BYTES_PER_SECOND


def stand_in(reference: str, wanted: "Found", size: int, settings: "Settings") -> str:
    """The default model, else the starter; empty when neither is here and as quick to load as `wanted`, which
    is what `reference` means, and has `size` bytes as far as its download has told."""
    from ai_pal.catalog import default_model, find
    from ai_pal.catalog.references.default import starter

    known = wanted.is_here or bool(size or wanted.size)
    limit = load_seconds(wanted.engine, size or wanted.size) if known else UNKNOWN_SECONDS
    for name in dict.fromkeys((settings.model or default_model(settings), starter(settings))):
        try:
            found = find(name, settings)
        except AiPalError:
            continue
        same = name == reference or (bool(found.path) and found.path == wanted.path)
        usable = found.problem is None and found.is_here and not same
        if usable and load_seconds(found.engine, found.size) <= limit:
            return name
    return ""
