"""Models that other programs keep here (Ollama, LM Studio, ...): used where they lie, never changed."""

import os
from collections.abc import Iterator, Mapping

from ai_pal.catalog.known.model import KnownModel
from ai_pal.catalog.stores import folders, ollama
from ai_pal.catalog.stores.stored import Stored
from ai_pal.catalog.weights.ggufs import is_quant, plain, quant
from ai_pal.config import Settings
from ai_pal.protocol.wanted import HubFiles

PROGRAMS = frozenset({ollama.STORE, "LM Studio", "Jan", "GPT4All", "llama.cpp"})
"""Where models may come from besides our own cache and Hugging Face's."""

__all__ = ["PROGRAMS", "Stored", "named", "standing_for", "stored"]


def stored(settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[Stored]:
    """All of them; a model that lies in two stores comes twice."""
    if settings.other_stores:
        yield from ollama.models(environ)
        yield from folders.models(environ)


def named(name: str, settings: Settings, environ: Mapping[str, str] = os.environ) -> Stored | None:
    """The model that another program calls so; `:latest` may be left out."""
    wanted = name.lower()
    for one in stored(settings, environ):
        if wanted in (one.name.lower(), one.name.lower().removesuffix(":latest")):
            return one
    return None


def standing_for(entry: KnownModel | None, wanted: HubFiles, settings: Settings, twin: str) -> Stored | None:
    """A file of another program's that is what would be fetched: of the same repository and quantization (the
    only one of it where none is wanted), or the model that Ollama calls `twin`, where any will do."""
    if wanted.revision:
        return None
    repo = wanted.repo.lower()
    kept = [one for one in stored(settings) if not one.problem]
    same = [one for one in kept if repo in (one.name.lower(), one.name.lower().rpartition(":")[0])]
    if not wanted.gguf:
        return same[0] if len(same) == 1 else None
    exactly = [one for one in same if one.name.lower() == f"{repo}:{wanted.gguf.lower()}"]
    alike = [one for one in same if wanted.nearest or quant_of(one) == plain(wanted.gguf)]
    if exactly or alike:
        return (exactly or alike)[0]
    if entry is not None and wanted.nearest:
        return next((one for one in kept if one.store == ollama.STORE and one.name == twin), None)
    return None


def quant_of(one: Stored) -> str:
    """Its quantization, by its name or its file's."""
    form = one.name.rpartition(":")[2]
    return plain(form if is_quant(form) else quant(one.path) or form)
