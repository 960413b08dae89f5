"""What a reference means: a name of the settings or the catalog, a repository, a path, another program's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.catalog import stores
from ai_pal.catalog.choosing.choose import Capacity, Choice, choose
from ai_pal.catalog.choosing.machine import capacity_here
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel
from ai_pal.catalog.known.names import entry_of, family, plain, variant_of
from ai_pal.catalog.references.default import choose_default
from ai_pal.catalog.references.found import Found, located, stored
from ai_pal.catalog.references.quantized import check_library
from ai_pal.catalog.references.refusals import not_found
from ai_pal.catalog.references.spelling import spelled
from ai_pal.catalog.references.text import Reference, hub_files, is_path, join, split
from ai_pal.catalog.weights import files
from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats import adapters
from ai_pal.protocol.wanted import Artifact

_MAX_ALIASES = 8


def find(ref: str, settings: Settings, capacity: Capacity | None = None) -> Found:
    """What `ref` means, here already or not. Raises `AiPalError` as `resolve`, but for `model_not_here`."""
    name, options = _taken_apart(ref, settings)
    target, more = _target(name, settings)
    found = _find(target, name, more | options, settings, capacity)
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
    target: str, name: str, options: dict[str, Any], settings: Settings, capacity: Capacity | None
) -> Found:
    if (there := elsewhere(target, provider_names(settings))) is not None:
        message = f"{target} is a model of {there.provider}, none of this machine"
        fail(Code.MODEL_NOT_FOUND, message, f"ask it: ai-pal chat --model {target}")
    if (known := entry_of(target)) is not None:
        name = plain(target, settings) if name == target else name
        return _known(*known, name, options, settings, capacity)
    if members := family(target):
        return _member(members, target, name, options, settings, capacity or capacity_here(settings))
    repository = hub_files(target)
    if repository is not None:
        engine = "llamacpp" if repository.gguf else "transformers"
        return located(Found(name, options, engine, wanted=repository), settings)
    if is_path(target):
        engine, path = files.checked_model(Path(paths.expanded(target)))
        return Found(name, options, engine, path, size=files.size_of(path))
    if (kept := stores.named(target, settings)) is not None:
        return stored(Found(name, options, "llamacpp"), kept)
    raise not_found(target, settings)


def _known(
    entry: KnownModel,
    variant: str,
    name: str,
    options: dict[str, Any],
    settings: Settings,
    capacity: Capacity | None,
) -> Found:
    if variant:
        named = variant_of(entry, variant)
        if named is None and (kept := stores.named(f"{entry.name}:{variant}", settings)) is not None:
            return stored(Found(name, options, "llamacpp"), kept)
        if named is None:
            there = ", ".join(v.name for v in entry.variants)
            more = ", or any quantization of its repository" if variant_of(entry, "q8_0") else ""
            fail(Code.MODEL_NOT_FOUND, f"{entry.name} has no variant {variant!r}", f"it has: {there}{more}")
        return _of_entry(entry, Choice(named, ""), name, options, settings)
    if len(entry.variants) == 1:
        return _of_entry(entry, Choice(entry.variants[0], ""), name, options, settings)
    preferred = _of_entry(entry, Choice(entry.variants[0], "the default"), name, options, settings)
    if preferred.path and isinstance(preferred.wanted, Artifact):
        return preferred  # the starter: nothing to weigh
    capacity = capacity or capacity_here(settings)
    here = [v for v in entry.variants if _of_entry(entry, Choice(v, ""), name, {}, settings).path]
    runs = [v for v in here if capacity.installed.issuperset(v.needs)]
    return _of_entry(entry, choose(runs or entry.variants, capacity), name, options, settings)


def _member(
    members: Sequence[KnownModel],
    target: str,
    name: str,
    options: dict[str, Any],
    settings: Settings,
    capacity: Capacity,
) -> Found:
    """The largest model of a family that suits this machine, under its own name: of those that are here, if
    any is."""
    here = [one for one in members if _known(one, "", name, {}, settings, capacity).path]
    sizes = [msgspec.structs.replace(one.variants[0], name=one.name) for one in here or members]
    chosen = choose(sizes, capacity)
    entry = CATALOG[chosen.variant.name]
    called = entry.name if name == target else name
    return _of_entry(entry, Choice(entry.variants[0], chosen.reason), called, options, settings)


def _of_entry(
    entry: KnownModel, choice: Choice, name: str, options: dict[str, Any], settings: Settings
) -> Found:
    """A known model in the variant that was chosen."""
    variant = choice.variant
    found = Found(
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
    return located(found, settings)


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
