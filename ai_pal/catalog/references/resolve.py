"""How a reference becomes something a worker can load."""

import os
from typing import Any

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel
from ai_pal.catalog.references import loading
from ai_pal.catalog.references.finding import default_model, find
from ai_pal.catalog.references.found import Found, artifact_path
from ai_pal.catalog.references.refusals import not_here, of_reference
from ai_pal.catalog.references.text import is_path, join, split
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats import drafts
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.wanted import Artifact
from ai_pal.protocol.worker import LoadModel


def resolve(ref: str, settings: Settings, found: Found | None = None) -> LoadModel:
    """What a worker needs to load `ref`; an empty one means the default model. `found` is what it means,
    where that has been looked for.

    Raises `AiPalError`: `model_not_found` (with the nearest names), `model_not_here` (with the
    command that fetches it), `model_invalid`, `file_unreadable`, `engine_missing`, and for what the settings
    say of it `config_invalid`, for what `ref` itself says `bad_request`.
    """
    try:
        return _resolved(ref, settings, found or find(ref, settings))
    except AiPalError as error:
        if (failure := of_reference(error.failure, ref)) is error.failure:
            raise
        raise AiPalError(failure) from None


def _resolved(ref: str, settings: Settings, found: Found) -> LoadModel:
    if found.problem is not None:
        raise AiPalError(found.problem)
    if not found.is_here:
        raise not_here(found.name, found.size)
    own = settings.models.get(found.name, ModelSettings())
    options, entry = _with_draft(found, settings), found.entry or _entry_of(found, settings)
    loading.check_numbers(options)
    return LoadModel(
        model=join(found.name, split(ref or default_model(settings)).options),
        engine=found.engine,
        path=found.path,
        threads=loading.number("threads", options, own.threads, settings.threads),
        context=loading.number("context", options, own.context, settings.context),
        slots=loading.number("slots", options, own.slots, settings.slots),
        kv_cache=loading.kv_cache(found.engine, options, own, settings),
        device=(device := loading.device(found.engine, options, own, settings)),
        gpu_layers=loading.gpu_layers(found.engine, options, own, settings, device),
        options=options,
        sampling=loading.sampling(own).over(
            found.sampling or (entry.sampling if entry is not None else GenerationOptions())
        ),
        delta_interval=settings.delta_interval,
    )


def _with_draft(found: Found, settings: Settings) -> dict[str, Any]:
    """Its options, with the path of a draft that they name. Raises `AiPalError` as `resolve`."""
    name = drafts.named(found.options)
    if not name or is_path(name) or found.engine != "llamacpp":
        return found.options
    draft = find(name, settings)
    if draft.problem is not None:
        raise AiPalError(draft.problem)
    if not draft.is_here:
        raise not_here(draft.name, draft.size)
    if draft.engine != "llamacpp":
        message = f"{draft.name} is a model for {draft.engine}: it cannot guess for one on llama.cpp"
        fail(Code.MODEL_INVALID, message, drafts.OTHER)
    return found.options | {drafts.OPTION: draft.path}


def _entry_of(found: Found, settings: Settings) -> KnownModel | None:
    """The known model that a path or a repository is."""
    path = os.path.realpath(found.path)
    for entry in CATALOG.values():
        for wanted in (variant.wanted for variant in entry.variants if variant.wanted is not None):
            here = isinstance(wanted, Artifact) and os.path.realpath(artifact_path(wanted, settings)) == path
            if here or wanted == found.wanted:
                return entry
    return None
