"""What a model on this disk was made for, as its files tell without loading it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from ai_pal.errors import AiPalError
from ai_pal.formats.gguf import read_header

Purpose = Literal["chat", "embed", "rerank"]

ENCODERS = ("bert", "t5encoder", "embedding")
"""In the names of architectures whose GGUF files turn texts into vectors."""


def purpose(path: str) -> Purpose:
    """Of a model file or folder. What cannot be read counts as made for chats: a load will say more."""
    place = Path(path)
    try:
        return _of_folder(place) if place.is_dir() else _of_file(place)
    except (AiPalError, OSError, ValueError):
        return "chat"


def made_for(purpose_wanted: Purpose, paths: Iterable[str]) -> list[str]:
    """Those of the paths, each once, that were made for this."""
    return [path for path in dict.fromkeys(paths) if purpose(path) == purpose_wanted]


def _of_file(place: Path) -> Purpose:
    architecture = read_header(place).architecture
    return "embed" if any(name in architecture for name in ENCODERS) else "chat"


def _of_folder(place: Path) -> Purpose:
    names = json.loads((place / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    if any(str(name).endswith("ForSequenceClassification") for name in names):
        return "rerank"
    whole = any("CausalLM" in str(name) or "ConditionalGeneration" in str(name) for name in names)
    return "chat" if whole and not (place / "modules.json").is_file() else "embed"
