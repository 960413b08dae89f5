"""Models that other programs keep on this machine: found under names that people know, used where they lie,
never changed. Ollama, LM Studio, Jan, GPT4All, llama.cpp's own cache."""

import os
from collections.abc import Iterator, Mapping

from ai_pal.catalog.ggufs import quant
from ai_pal.catalog.model import KnownModel
from ai_pal.catalog.stores import folders, ollama
from ai_pal.catalog.stores.stored import Stored
from ai_pal.config import Settings
from ai_pal.protocol.egress import HubFiles

__all__ = ["Stored", "named", "standing_for", "stored"]


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


def standing_for(
    entry: KnownModel | None,
    wanted: HubFiles,
    settings: Settings,
    twin: str,
    environ: Mapping[str, str] = os.environ,
) -> Stored | None:
    """A file of another program's that is what would be fetched: of the same repository and quantization, or
    the model that Ollama calls `twin`, where no quantization in particular is wanted."""
    if not wanted.gguf or wanted.revision:
        return None
    for one in stored(settings, environ):
        repo, _, form = one.name.rpartition(":")
        if repo.lower() == wanted.repo.lower() and _same_form(form or quant(one.path), wanted):
            return one
        if entry is not None and wanted.nearest and one.store == ollama.STORE and twin == one.name:
            return one
    return None


def _same_form(form: str, wanted: HubFiles) -> bool:
    return wanted.nearest or form.lower() in (wanted.gguf.lower(), quant(wanted.gguf).lower())
