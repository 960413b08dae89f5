"""What a model can be asked for, as far as its files tell before they are loaded."""

from pathlib import Path

import msgspec

from ai_pal.formats.gguf import RANK, Header, pooling_of, read_header
from ai_pal.formats.json_text import read_json
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import LoadModel

EMBEDS: frozenset[Ability] = frozenset({"embed"})
RANKS: frozenset[Ability] = frozenset({"rerank"})

SENTENCES = "modules.json"
"""What sentence-transformers writes beside a model that turns texts into vectors."""


class _Config(msgspec.Struct, frozen=True):
    """The part of a config.json that says what the weights are for."""

    architectures: list[str] | None = None


def abilities_of(load: LoadModel) -> frozenset[Ability] | None:
    """None: they do not tell. Raises `AiPalError` (`model_invalid`), OSError, ValueError."""
    if not load.path:
        return None
    path = Path(load.path)
    if load.engine == "llamacpp":
        return of_gguf(read_header(path))
    if load.engine == "transformers":
        found = read_json((path / "config.json").read_bytes(), f"{path}: config.json")
        config = msgspec.convert(found, _Config)
        return of_folder(config.architectures or [], sentences=(path / SENTENCES).exists())
    return None


def of_gguf(header: Header) -> frozenset[Ability] | None:
    pooling = pooling_of(header)
    if not pooling:
        return None
    return RANKS if pooling == RANK else EMBEDS


def of_folder(architectures: list[str], *, sentences: bool) -> frozenset[Ability] | None:
    """By the names of the classes that the weights were saved from."""
    if sentences:
        return EMBEDS
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        return RANKS
    encodes = all(name.endswith(("Model", "ForMaskedLM")) for name in architectures)
    writes = any(name.endswith("LMHeadModel") for name in architectures)
    return EMBEDS if architectures and encodes and not writes else None
