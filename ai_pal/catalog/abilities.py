"""What a model can be asked for, as far as its files tell before they are loaded."""

from pathlib import Path

import msgspec

from ai_pal.formats.gguf import Header, read_header
from ai_pal.protocol.options import Ability
from ai_pal.protocol.worker import LoadModel

EMBEDS: frozenset[Ability] = frozenset({"embed"})
RANKS: frozenset[Ability] = frozenset({"rerank"})

ENCODERS = frozenset(
    {
        *("bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "neo-bert"),
        *("eurobert", "gemma-embedding", "t5encoder"),
    }
)
"""Architectures of GGUF files that read texts and write none."""

POOLS, RANK = (1, 2, 3), 4
"""llama.cpp's numbers for how a text's vectors become one, and for a model that ranks."""

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
        config = msgspec.json.decode((path / "config.json").read_bytes(), type=_Config)
        return of_folder(config.architectures or [], sentences=(path / SENTENCES).exists())
    return None


def of_gguf(header: Header) -> frozenset[Ability] | None:
    if header.pooling == RANK:
        return RANKS
    return EMBEDS if header.pooling in POOLS or header.architecture in ENCODERS else None


def of_folder(architectures: list[str], *, sentences: bool) -> frozenset[Ability] | None:
    """By the names of the classes that the weights were saved from."""
    if sentences:
        return EMBEDS
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        return RANKS
    encodes = all(name.endswith(("Model", "ForMaskedLM")) for name in architectures)
    writes = any(name.endswith("LMHeadModel") for name in architectures)
    return EMBEDS if architectures and encodes and not writes else None
