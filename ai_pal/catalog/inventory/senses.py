"""Which models on this disk see or hear, by their files: to name one where another was asked in vain."""

import contextlib
from pathlib import Path

from ai_pal.catalog.inventory.listed import inventory
from ai_pal.catalog.known.model import WRITES
from ai_pal.catalog.references.resolve import resolve
from ai_pal.config import Settings
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf import read_header
from ai_pal.formats.json_text import read_json
from ai_pal.formats.projector import projector_of
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import LoadModel

HEARING = ("qwen2a", "ultravox", "voxtral", "whisper")
"""Kinds of projectors for sound alone."""
MOST = 100
"""Models that are looked at."""


def abilities_with_senses(settings: Settings) -> dict[str, frozenset[Ability]]:
    """The models that are here and see or hear, by name, with what they can be asked for at most."""
    found: dict[str, frozenset[Ability]] = {}
    here = [one.name for one in inventory(settings) if one.state in ("verified", "here")]
    for name in here[:MOST]:
        with contextlib.suppress(AiPalError, OSError, ValueError):
            if senses := senses_of(resolve(name, settings)):
                found[name] = WRITES | senses
    return found


def senses_of(load: LoadModel) -> frozenset[Ability]:
    """`images`, `audio` or nothing. Raises `AiPalError` (`model_invalid`), OSError, ValueError."""
    path = Path(load.path)
    if load.engine == "llamacpp":
        projector = projector_of(path, read_header(path), str(load.options.get("mmproj", "")))
        if projector is None:
            return frozenset()
        hears = projector.header.projector in HEARING
        return frozenset({"audio"} if hears else {"images"})
    if load.engine == "transformers":
        config = read_json((path / "config.json").read_bytes(), f"{path}: config.json")
        return frozenset({"images"} if isinstance(config, dict) and "vision_config" in config else ())
    return frozenset()
