"""What a model was made for beyond text, as the catalog says, or as its files tell."""

import contextlib
from functools import lru_cache
from pathlib import Path

import msgspec

from ai_pal.catalog.inventory.senses import senses_of
from ai_pal.catalog.known.model import KnownModel, Strength
from ai_pal.catalog.weights.abilities import EMBEDS, RANKS, abilities_of
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf_vocabulary import read_chat_template
from ai_pal.protocol.worker import LoadModel

THOUGHTS = ("</think>", "enable_thinking", "reasoning_effort", "<|channel")
"""What stands in the templates of models that think."""


def strengths_of(load: LoadModel, entry: KnownModel | None) -> tuple[Strength, ...]:
    """Of a model whose files are here; one that has lost its projector sees nothing."""
    with contextlib.suppress(AiPalError, OSError, ValueError):
        sees = "images" in senses_of(load)
        if entry is not None:
            return tuple(one for one in entry.strengths if one != "pictures" or sees)
        able = abilities_of(load)
        if able in (EMBEDS, RANKS):
            return ("embeddings",) if able == EMBEDS else ("rerank",)
        template = template_of(load)
        found: list[tuple[Strength, bool]] = [
            ("pictures", sees),
            ("tools", "tools" in template),
            ("thinking", any(mark in template for mark in THOUGHTS)),
        ]
        return tuple(strength for strength, has in found if has)
    return entry.strengths if entry is not None else ()


def template_of(load: LoadModel) -> str:
    """The chat template that its load will use, "" for none. Raises `AiPalError`, OSError."""
    if named := str(load.options.get("chat_template", "")):
        return Path(named).read_text(errors="replace")
    return _template(load.path, Path(load.path).stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _template(path: str, _modified: int) -> str:
    where = Path(path)
    if where.is_file():
        return read_chat_template(where)
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        with contextlib.suppress(OSError):
            text = (where / name).read_text(errors="replace")
            return text if name.endswith(".jinja") else _in_json(text)
    return ""


def _in_json(text: str) -> str:
    """The template or templates in a file of JSON."""
    with contextlib.suppress(msgspec.DecodeError):
        found = msgspec.json.decode(text)
        if isinstance(found, dict):
            return str(found.get("chat_template", ""))
    return ""
