"""Which model of this machine answers where none is named."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Set

from ai_pal.catalog import stores
from ai_pal.catalog.caches.hub_cache import repos_here
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel
from ai_pal.catalog.known.names import is_own, unhidden
from ai_pal.catalog.references.found import Found
from ai_pal.catalog.weights.own import memory as own_memory
from ai_pal.catalog.weights.own import parameters
from ai_pal.config import Settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import AiPalError
from ai_pal.protocol.wanted import HubFiles

STARTER = "smollm2"
"""Small enough to be fetched unasked: answers where nothing else is here."""


def starter(settings: Settings) -> str:
    """What the starter is called, also where the user's own name hides its usual one."""
    return unhidden(STARTER, settings)


def choose_default(settings: Settings, find: Callable[[str], Found]) -> str:
    """The setting `model`, unless that is a provider's; else `local.model` if that is here; else the largest
    model that is here and that this machine can hold, a known one or one of the user's own; else the
    starter."""
    if settings.model and elsewhere(settings.model, provider_names(settings)) is None:
        return settings.model
    if _here(settings.local.model, find) is not None:
        return settings.local.model
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    own = {name for name in settings.models if is_own(name, settings)}
    kept = {part for one in stores.stored(settings) for part in (one.name, one.name.rpartition(":")[0])}
    here = repos_here(settings) | kept
    known = [
        (entry.parameters, entry.name)
        for entry in CATALOG.values()
        if entry.name not in own and entry.chats and _may_be_here(entry, here)
    ]
    for _, name in sorted([*_sized(own, find), *known], reverse=True):
        found = _here(name, find)
        if found is not None and found.path and (found.memory or own_memory(found.size)) <= memory:
            return name
    return starter(settings)


def _here(name: str, find: Callable[[str], Found]) -> Found | None:
    """What a name means, if that is on this machine and whole."""
    try:
        found = find(name)
    except AiPalError:
        return None
    return found if found.is_here and found.problem is None else None


def _may_be_here(entry: KnownModel, names: Set[str]) -> bool:
    """Before its files are looked at, which takes longer."""
    return any(
        not isinstance(variant.wanted, HubFiles) or {variant.wanted.repo, entry.name} & names
        for variant in entry.variants
    )


def _sized(own: Iterable[str], find: Callable[[str], Found]) -> Iterator[tuple[int, str]]:
    """The models of the user's own that are here, with how many weights they have. Other names of known
    models are left out: those stand for themselves."""
    for name in own:
        found = _here(name, find)
        if found is None or found.entry is not None or not found.path:
            continue
        with contextlib.suppress(AiPalError, OSError, ValueError):
            yield parameters(found.path), name
