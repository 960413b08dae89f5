"""How a reference becomes something a worker can load, or something that must be fetched first."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.catalog import files, hub_cache, loading, stores
from ai_pal.catalog.choose import Choice, Machine, choose
from ai_pal.catalog.default import choose_default
from ai_pal.catalog.entries import CATALOG
from ai_pal.catalog.hub_cache import cache_dir
from ai_pal.catalog.known import entry_of, family, plain, variant_of
from ai_pal.catalog.machine import this_machine
from ai_pal.catalog.model import KnownModel, Variant
from ai_pal.catalog.quantized import check_library
from ai_pal.catalog.reference import Reference, hub_files, is_path, join, split
from ai_pal.catalog.refusals import not_found, not_here, of_reference
from ai_pal.catalog.spelling import spelled
from ai_pal.catalog.twins import twin
from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats import adapters, drafts
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.wanted import Artifact, HubFiles, Wanted
from ai_pal.protocol.worker import LoadModel

_MAX_ALIASES = 8


class Found(msgspec.Struct, frozen=True):
    """What a reference means here and now. `name` is what the user called it, `path` is empty while
    `wanted` has to be fetched first; `reason` says why this variant, `commit` which revision is here;
    `problem` is why what is here cannot be used. What another program keeps (`store`) is removed by its
    command `remove`; `sampling` is what that program samples with."""

    name: str
    options: dict[str, Any]
    engine: str
    path: str = ""
    wanted: Wanted | None = None
    size: int = 0
    memory: int = 0
    variant: str = ""
    reason: str = ""
    entry: KnownModel | None = None
    commit: str = ""
    verified: bool = False
    store: str = ""
    remove: str = ""
    sampling: GenerationOptions | None = None
    problem: Failure | None = None

    @property
    def is_here(self) -> bool:
        return self.wanted is None or bool(self.path)


def resolve(ref: str, settings: Settings, machine: Machine | None = None) -> LoadModel:
    """What a worker needs to load `ref`; an empty one means the default model.

    Raises `AiPalError`: `model_not_found` (with the nearest names), `model_not_here` (with the
    command that fetches it), `model_invalid`, `file_unreadable`, `engine_missing`, and for what the settings
    say of it `config_invalid`, for what `ref` itself says `bad_request`.
    """
    try:
        return _resolved(ref, settings, machine)
    except AiPalError as error:
        if (failure := of_reference(error.failure, ref)) is error.failure:
            raise
        raise AiPalError(failure) from None


def _resolved(ref: str, settings: Settings, machine: Machine | None) -> LoadModel:
    found = find(ref, settings, machine)
    if found.problem is not None:
        raise AiPalError(found.problem)
    if not found.is_here:
        raise not_here(found.name, found.size)
    own = settings.models.get(found.name, ModelSettings())
    options, entry = _with_draft(found, settings, machine), found.entry or _entry_of(found, settings)
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


def _with_draft(found: Found, settings: Settings, machine: Machine | None) -> dict[str, Any]:
    """Its options, with the path of a draft that they name. Raises `AiPalError` as `resolve`."""
    name = drafts.named(found.options)
    if not name or is_path(name) or found.engine != "llamacpp":
        return found.options
    draft = find(name, settings, machine)
    if draft.problem is not None:
        raise AiPalError(draft.problem)
    if not draft.is_here:
        raise not_here(draft.name, draft.size)
    if draft.engine != "llamacpp":
        message = f"{draft.name} is a model for {draft.engine}: it cannot guess for one on llama.cpp"
        fail(Code.MODEL_INVALID, message, drafts.OTHER)
    return found.options | {drafts.OPTION: draft.path}


def find(ref: str, settings: Settings, machine: Machine | None = None) -> Found:
    """What `ref` means, here already or not. Raises `AiPalError` as `resolve`, but for `model_not_here`."""
    name, options = _taken_apart(ref, settings)
    target, more = _target(name, settings)
    found = _find(target, name, more | options, settings, machine)
    if found.engine == "transformers" and found.path:
        check_library(Path(found.path), found.name)
    if adapters.OPTION in found.options:
        adapters.check(found.options, found.engine, found.path)
    return found


def meant(ref: str, settings: Settings) -> str:
    """`ref`; an alias of a provider's model as that model. Raises `AiPalError` (`config_invalid`)."""
    name, options = _taken_apart(ref, settings)
    target, more = _target(name, settings)
    there = elsewhere(target, provider_names(settings))
    return join(target, more | options) if target != name and there is not None else ref


def _taken_apart(ref: str, settings: Settings) -> Reference:
    """A reference with its name as lists have it; an empty one means the default model."""
    name, options = split(ref or default_model(settings))
    return Reference(spelled(name, settings), options)


def _target(name: str, settings: Settings) -> Reference:
    """What an alias from the settings stands for, with the options on the way there: the nearest wins."""
    target, options = name, dict[str, Any]()
    for _ in range(_MAX_ALIASES):
        own = settings.models.get(target := spelled(target, settings))
        if own is None or not (own.path or own.model):
            return Reference(target, options)
        if not own.path and elsewhere(str(own.model), provider_names(settings)) is not None:
            return Reference(str(own.model), options)
        target, more = split(own.path or str(own.model))
        options = more | options
        if own.path:
            return Reference(target, options)
    circle = f"the alias {name} leads in a circle"
    raise AiPalError(Failure(Code.CONFIG_INVALID, circle, "look at: ai-pal config show"))


def _find(
    target: str, name: str, options: dict[str, Any], settings: Settings, machine: Machine | None
) -> Found:
    if (there := elsewhere(target, provider_names(settings))) is not None:
        message = f"{target} is a model of {there.provider}, none of this machine"
        fail(Code.MODEL_NOT_FOUND, message, f"ask it: ai-pal chat --model {target}")
    if (known := entry_of(target)) is not None:
        name = plain(target, settings) if name == target else name
        return _known(*known, name, options, settings, machine)
    if members := family(target):
        return _member(members, target, name, options, settings, machine or this_machine(settings))
    repository = hub_files(target)
    if repository is not None:
        engine = "llamacpp" if repository.gguf else "transformers"
        return _located(Found(name, options, engine, wanted=repository), settings)
    if is_path(target):
        engine, path = files.checked_model(Path(paths.expanded(target)))
        return Found(name, options, engine, path, size=files.size_of(path))
    if (kept := stores.named(target, settings)) is not None:
        return _stored(Found(name, options, "llamacpp"), kept)
    raise not_found(target, settings)


def _known(
    entry: KnownModel,
    variant: str,
    name: str,
    options: dict[str, Any],
    settings: Settings,
    machine: Machine | None,
) -> Found:
    if variant:
        named = variant_of(entry, variant)
        if named is None and (kept := stores.named(f"{entry.name}:{variant}", settings)) is not None:
            return _stored(Found(name, options, "llamacpp"), kept)
        if named is None:
            there = ", ".join(v.name for v in entry.variants)
            more = ", or any quantization of its repository" if variant_of(entry, "q8_0") else ""
            fail(Code.MODEL_NOT_FOUND, f"{entry.name} has no variant {variant!r}", f"it has: {there}{more}")
        return _located(_as_found(entry, Choice(named, ""), name, options), settings)
    if len(entry.variants) == 1:
        return _located(_as_found(entry, Choice(entry.variants[0], ""), name, options), settings)
    preferred = _located(_as_found(entry, Choice(entry.variants[0], "the default"), name, options), settings)
    if preferred.path and isinstance(preferred.wanted, Artifact):
        return preferred  # the starter: nothing to weigh
    machine = machine or this_machine(settings)
    here = [v for v in entry.variants if _located(_as_found(entry, Choice(v, ""), name, {}), settings).path]
    runs = [v for v in here if machine.installed.issuperset(v.needs)]
    return _located(_as_found(entry, choose(runs or entry.variants, machine), name, options), settings)


def _member(
    members: Sequence[KnownModel],
    target: str,
    name: str,
    options: dict[str, Any],
    settings: Settings,
    machine: Machine,
) -> Found:
    """The largest model of a family that suits this machine, under its own name: of those that are here, if
    any is."""
    here = [one for one in members if _known(one, "", name, {}, settings, machine).path]
    sizes = [msgspec.structs.replace(one.variants[0], name=one.name) for one in here or members]
    chosen = choose(sizes, machine)
    entry = CATALOG[chosen.variant.name]
    called = entry.name if name == target else name
    return _located(_as_found(entry, Choice(entry.variants[0], chosen.reason), called, options), settings)


def _as_found(entry: KnownModel, choice: Choice, name: str, options: dict[str, Any]) -> Found:
    variant: Variant = choice.variant
    return Found(
        name,
        variant.options | options,
        variant.engine,
        wanted=variant.wanted,
        size=variant.size,
        memory=variant.memory,
        variant=variant.name,
        reason=choice.reason,
        entry=entry,
    )


def _entry_of(found: Found, settings: Settings) -> KnownModel | None:
    """The known model that a path or a repository is."""
    path = os.path.realpath(found.path)
    for entry in CATALOG.values():
        for wanted in (variant.wanted for variant in entry.variants if variant.wanted is not None):
            here = isinstance(wanted, Artifact) and os.path.realpath(artifact_path(wanted, settings)) == path
            if here or wanted == found.wanted:
                return entry
    return None


def _located(found: Found, settings: Settings) -> Found:
    """`found` with its place on this disk, if it is here."""
    match found.wanted:
        case Artifact() as artifact:
            path = artifact_path(artifact, settings)
            if path.exists():
                return _with_artifact(found, artifact, path)
        case HubFiles() as repository:
            snapshot = hub_cache.find(repository, settings)
            if snapshot is not None:
                return msgspec.structs.replace(
                    found,
                    path=str(snapshot.path),
                    size=files.size_of(str(snapshot.path)),
                    commit=snapshot.commit,
                    verified=snapshot.manifest is not None,
                )
            called = twin(found.entry.name if found.entry else found.name, settings)
            there = stores.standing_for(found.entry, repository, settings, called)
            if there is not None:
                return _stored(found, there)
    return found


def _stored(found: Found, there: stores.Stored) -> Found:
    """`found` as another program keeps it. Raises `AiPalError` as `files.checked_model`."""
    if there.problem:
        fail(Code.MODEL_INVALID, f"{there.name}: {there.problem}", f"fetch it again: {there.mend}")
    engine, path = files.checked_model(Path(there.path))
    sees = {"mmproj": there.projector} if there.projector else {}
    return msgspec.structs.replace(
        found,
        engine=engine,
        path=path,
        size=there.size,
        options=sees | found.options,
        store=there.store,
        remove=there.remove,
        sampling=there.sampling if there.sampling != GenerationOptions() else None,
    )


def artifact_path(artifact: Artifact, settings: Settings) -> Path:
    """Where this artifact lies once pulled."""
    return cache_dir(settings) / artifact.file


def default_model(settings: Settings) -> str:
    """The model of this machine that answers where none is named."""
    return choose_default(settings, lambda name: find(name, settings))


def own_settings(ref: str, settings: Settings) -> ModelSettings:
    """What the settings say of this model alone. Raises `AiPalError`."""
    return settings.models.get(_taken_apart(ref, settings).name, ModelSettings())


def keep_alive(ref: str, settings: Settings) -> float:
    """Seconds this model stays loaded unless a request says otherwise."""
    own = own_settings(ref, settings).keep_alive
    return settings.keep_alive if own is None else own


def _with_artifact(found: Found, artifact: Artifact, path: Path) -> Found:
    try:
        checked = _checked_artifact(found.name, artifact, path)
    except AiPalError as error:
        return msgspec.structs.replace(found, problem=error.failure)
    return msgspec.structs.replace(found, path=checked, verified=files.is_verified(path, artifact.sha256))


def _checked_artifact(name: str, artifact: Artifact, path: Path) -> str:
    if (size := path.stat().st_size) != artifact.size:
        message = f"{path} has {size:,} bytes instead of {artifact.size:,}"
        fail(Code.MODEL_INVALID, message, f"run: ai-pal pull {name}")
    return files.checked_model(path)[1]
