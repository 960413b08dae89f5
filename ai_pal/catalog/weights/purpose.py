"""What a model on this disk was made for, as its files tell without loading it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from ai_pal.catalog.weights.abilities import EMBEDS, RANKS, abilities_of
from ai_pal.errors import AiPalError
from ai_pal.protocol.worker import LoadModel

Purpose = Literal["chat", "embed", "rerank"]


def purpose(path: str) -> Purpose:
    """Of a model file or folder. What cannot be read counts as made for chats: a load will say more."""
    engine = "transformers" if Path(path).is_dir() else "llamacpp"
    try:
        able = abilities_of(LoadModel(path, engine, path))
    except (AiPalError, OSError, ValueError):
        return "chat"
    return "embed" if able == EMBEDS else "rerank" if able == RANKS else "chat"


def made_for(purpose_wanted: Purpose, paths: Iterable[str]) -> list[str]:
    """Those of the paths, each once, that were made for this."""
    return [path for path in dict.fromkeys(paths) if purpose(path) == purpose_wanted]
