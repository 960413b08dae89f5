"""Model references for the supervisor: what to load for one, and what to fetch."""

import os
from pathlib import Path

import msgspec

from ai_pal import catalog
from ai_pal.catalog.caches import used
from ai_pal.catalog.inventory.listed import inventory
from ai_pal.catalog.references import beside
from ai_pal.catalog.references.resolved import SPREAD, Resolved
from ai_pal.catalog.weights import files
from ai_pal.catalog.weights.purpose import Purpose, made_for, purpose
from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol import needs
from ai_pal.protocol.wanted import Artifact
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.services.download import Plan
from ai_pal.server.services.jobs import Asked

SAVE = ("llamacpp", "transformers")
"""Engines that can save what they have read."""


def load_of(reference: str, settings: Settings, found: catalog.Found | None = None) -> Resolved:
    """What a worker is told to load; `found` as for `catalog.resolve`. Raises `AiPalError`."""
    reference = reference or catalog.default_model(settings)
    own = catalog.own_settings(reference, settings)
    load = _spread(_with_prefixes(catalog.resolve(reference, settings, found), settings), own, settings)
    size = files.size_of(load.path) if load.path else 0
    file = os.path.realpath(load.path) if load.path else ""
    stamp = stamp_of(load) if load.path else ""
    return Resolved(
        load, size, own.keep_alive, bool(own.pin), file, stamp, *own.replica_bounds, nodes=own.nodes or 1
    )


def _spread(load: LoadModel, own: ModelSettings, settings: Settings) -> LoadModel:
    """One for the nodes of a cluster is loaded by the engine that can do that. Raises `AiPalError`."""
    if (own.nodes or 1) == 1:
        return load
    what = f"{load.model} has nodes = {own.nodes} in the settings"
    if not settings.cluster.on:
        fail(
            Code.CONFIG_INVALID, f"{what}, and there is no cluster", "docs/cluster.md says how one is set up"
        )
    if load.engine != "transformers":
        what = f"{what}: vLLM spreads folders of safetensors, and this is for {load.engine}"
        fail(Code.CONFIG_INVALID, what, "use the model in that form, or leave `nodes` out")
    if own.replica_bounds != (1, 1):
        fail(Code.CONFIG_INVALID, f"{what}: it cannot have replicas too", "leave one of them out")
    said = {"device": bool(load.device), "threads": load.threads != settings.threads}
    if asked := ", ".join([*load.options, *(name for name, is_said in said.items() if is_said)]):
        fail(Code.CONFIG_INVALID, f"{what}: its options are not for vLLM: {asked}", "leave them out")
    return msgspec.structs.replace(load, engine=SPREAD, prefixes="", prefix_bytes=0)


def _with_prefixes(load: LoadModel, settings: Settings) -> LoadModel:
    """What is read of kept conversations is saved only on a disk of this machine."""
    folder = paths.prefixes_dir()
    if not settings.prefix_disk or load.engine not in SAVE or paths.on_network(folder):
        return load
    return msgspec.structs.replace(load, prefixes=str(folder), prefix_bytes=settings.prefix_disk)


def stamp_of(load: LoadModel) -> str:
    """Tells the very files that it reads. Raises OSError and `AiPalError`."""
    named = map(Path, beside.named_beside(load.options))
    return files.stamp_of(load.path, [file for path in named for file in beside.files_at(path)])


def is_used(resolved: Resolved, settings: Settings) -> None:
    """From now on the model counts as used."""
    if resolved.load.path:
        used.touch(resolved.load.path, settings)


def model_of(request: Asked, settings: Settings) -> str:
    """Which model a job means that names none: for vectors and ranking the usual one if it was made for that,
    else the only one here that was. Raises `AiPalError`."""
    if not isinstance(request, wire.Embed | wire.Rerank):
        return catalog.default_model(settings)
    wanted: Purpose = "embed" if isinstance(request, wire.Embed) else "rerank"
    for usual in filter(None, (request.usual_model, settings.model)):
        if _was_made_for(wanted, usual, settings):
            return usual
    here = {one.path: one.name for one in inventory(settings) if one.state in ("verified", "here")}
    found = [here[path] for path in made_for(wanted, here)]
    kind = "an embedding model" if wanted == "embed" else "a reranking model"
    if not found:
        hint = f"name one, or fetch one first: ai-pal pull {needs.EXAMPLE[wanted]}"
        fail(Code.MODEL_NOT_FOUND, f"there is no such model here: this needs {kind}", hint)
    if len(found) > 1:
        fail(Code.MODEL_NOT_FOUND, f"which one is meant of {', '.join(found)}?", "name one of them")
    return found[0]


def _was_made_for(wanted: Purpose, reference: str, settings: Settings) -> bool:
    try:
        found = catalog.find(reference, settings)
    except AiPalError:
        return False  # a provider's, say
    return bool(found.path) and purpose(found.path) == wanted


def plan_of(reference: str, settings: Settings) -> Plan:
    """What a pull of this reference brings. Raises `AiPalError`."""
    found = catalog.find(reference, settings)
    if found.is_here and not found.path:
        fail(Code.MODEL_INVALID, f"{found.name} is built in: there is nothing to pull")
    unsure = isinstance(found.wanted, Artifact) and not found.verified
    return Plan(
        found.name,
        str(catalog.cache_dir(settings)),
        found.wanted,
        "" if unsure else found.path,
        found.size,
        found.variant,
        found.reason,
        found.commit,
    )
