"""Which models are here: the catalog's, those of `[models.NAME]` in the config, and the repositories
in our cache and in Hugging Face's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ai_pal.catalog import stores
from ai_pal.catalog.caches import hub_cache, used
from ai_pal.catalog.caches.cache import CachePlace
from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.known.model import KnownModel, Strength, Variant
from ai_pal.catalog.known.names import is_own, unhidden
from ai_pal.catalog.references.finding import find, meant
from ai_pal.catalog.references.text import split
from ai_pal.catalog.weights import files
from ai_pal.catalog.weights.ggufs import quants
from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.errors import AiPalError
from ai_pal.protocol.wanted import Artifact, HubFiles

State = Literal["built in", "verified", "here", "damaged", "not here", "elsewhere"]

ALIAS = "alias of "


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model as `ai-pal list` shows it; `size` in bytes, of the files or of what a pull would bring.
    `revision` is a commit on the hub, `last_used` in seconds since the epoch. Of known models also `memory`,
    bytes while it answers, `context`, tokens, and what they were made for beyond text; `described` has these
    of all that is here."""

    name: str
    state: State
    size: int = 0
    source: str = ""
    path: str = ""
    about: str = ""
    licence: str = ""
    revision: str = ""
    last_used: float | None = None
    memory: int = 0
    context: int = 0
    strengths: tuple[Strength, ...] = ()


def inventory(settings: Settings) -> list[Listed]:
    """Every model that can be named, by name."""
    repos = hub_cache.repos_here(settings)
    shown = [entry for entry in CATALOG.values() if not entry.hidden]
    known = [listed for entry in shown for listed in _known(entry, repos, settings)]
    own = [
        _own(name, model, settings) for name, model in settings.models.items() if model.path or model.model
    ]
    named = [*own, *_unhidden(known, settings)]
    claimed = {listed.path for listed in named if not listed.source.startswith(ALIAS)}
    others = [listed for listed in _repositories(settings) if listed.path not in claimed]
    kept = list(_stored(settings, {listed.path for listed in (*named, *others)}))
    others, kept = ([one for one in found if not is_own(one.name, settings)] for found in (others, kept))
    elsewhere = {listed.name for listed in kept}
    named = [listed for listed in named if listed.state != "not here" or listed.name not in elsewhere]
    return [_looked_at(listed, settings) for listed in sorted([*named, *others, *kept], key=lambda m: m.name)]


def _unhidden(known: list[Listed], settings: Settings) -> Iterator[Listed]:
    """Without those whose name is the user's own by now, unless they have another."""
    for listed in known:
        name = unhidden(listed.name, settings)
        if not is_own(name, settings):
            yield msgspec.structs.replace(listed, name=name)


def _looked_at(listed: Listed, settings: Settings) -> Listed:
    """With when it was used last, and whether it is whole; a hash that was checked is believed."""
    at = used.last_used(listed.path, settings) if listed.path else None
    damaged = listed.state == "here" and files.damage(listed.path) is not None
    return msgspec.structs.replace(listed, last_used=at, state="damaged" if damaged else listed.state)


def _known(entry: KnownModel, repos: frozenset[str], settings: Settings) -> list[Listed]:
    """The variants that are here; where none is, the one that would be fetched."""
    found: dict[str, Listed] = {}
    absent: dict[str, Listed] = {}
    for variant in entry.variants:
        name = entry.name if variant is entry.variants[0] else f"{entry.name}:{variant.name}"
        match variant.wanted:
            case Artifact() as artifact:
                listed = _artifact(name, entry, artifact, settings)
            case HubFiles() as wanted:
                listed = _hub(name, entry, wanted if wanted.repo in repos else None, variant, settings)
            case None:
                listed = Listed(name, "built in", about=entry.about, licence=entry.licence)
        listed = msgspec.structs.replace(
            listed, memory=variant.memory, context=entry.context, strengths=entry.strengths
        )
        if listed.state != "not here" and listed.path not in found:
            found[listed.path] = listed
        else:
            absent[variant.name] = listed
    if found:
        return list(found.values())
    if len(absent) == 1:
        return [msgspec.structs.replace(one, name=entry.name) for one in absent.values()]
    try:
        chosen = find(unhidden(entry.name, settings), settings).variant
    except AiPalError:
        chosen = ""
    # None fits this machine, or the name means a model of the user's own: then the preferred one.
    one = absent.get(chosen) or absent[entry.variants[0].name]
    return [msgspec.structs.replace(one, name=entry.name)]


def _artifact(name: str, entry: KnownModel, artifact: Artifact, settings: Settings) -> Listed:
    place = CachePlace(cache_dir(settings), entry.name, artifact)
    return Listed(
        name,
        _state(place, artifact.size),
        size=artifact.size,
        source=manifest.source if (manifest := place.manifest()) else str(artifact.source),
        path=str(place.path),
        about=entry.about,
        licence=entry.licence,
    )


def _hub(
    name: str, entry: KnownModel, wanted: HubFiles | None, variant: Variant, settings: Settings
) -> Listed:
    """`wanted` is None where nothing of its repository is here."""
    snapshot = hub_cache.find(wanted, settings) if wanted else None
    if snapshot is None:
        source = f"hub {variant.wanted.repo}" if isinstance(variant.wanted, HubFiles) else ""
        return Listed(name, "not here", variant.size, source, about=entry.about, licence=entry.licence)
    found = _snapshot(name, snapshot)
    return msgspec.structs.replace(found, about=entry.about, licence=found.licence or entry.licence)


def _snapshot(name: str, snapshot: hub_cache.Snapshot) -> Listed:
    repo = hub_cache.repo_name(snapshot.folder)
    state: State = "verified" if snapshot.manifest else "here"
    size = files.size_of(str(snapshot.path))
    licence = snapshot.manifest.facts.licence if snapshot.manifest else ""
    source, path = f"hub {repo}", str(snapshot.path)
    return Listed(name, state, size, source, path, licence=licence, revision=snapshot.commit)


def _repositories(settings: Settings) -> Iterator[Listed]:
    """What lies in the caches beyond the catalog: whole models only."""
    for cache in (cache_dir(settings), paths.hub_cache()):
        for folder in sorted(cache.glob("models--*--*")):
            repo = hub_cache.repo_name(folder)
            for wanted in _usable(repo, folder):
                snapshot = hub_cache.find(wanted, settings)
                if snapshot is not None and snapshot.folder == folder:
                    yield _snapshot(f"{repo}:{wanted.gguf}" if wanted.gguf else repo, snapshot)


def _stored(settings: Settings, claimed: set[str]) -> Iterator[Listed]:
    """What other programs keep, each file once."""
    for one in stores.stored(settings):
        if one.path not in claimed:
            claimed.add(one.path)
            yield Listed(one.name, "damaged" if one.problem else "here", one.size, one.store, one.path)


def _usable(repo: str, folder: Path) -> Iterator[HubFiles]:
    yield HubFiles(repo)
    names = [file.name for file in (folder / "snapshots").glob("*/*.gguf")]
    yield from (HubFiles(repo, gguf=quant) for quant in quants(names))


def _state(place: CachePlace, size: int) -> State:
    if place.is_verified():
        return "verified"
    if not place.path.is_file():
        return "not here"
    return "here" if place.path.stat().st_size == size else "damaged"


def _own(name: str, model: ModelSettings, settings: Settings) -> Listed:
    if not model.path:
        return _alias(name, str(model.model), settings)
    path = split(model.path).name  # options of how it is loaded may stand behind it
    try:
        size = files.size_of(files.checked_model(Path(path))[1])
    except (AiPalError, OSError):
        return Listed(name, "damaged" if Path(path).exists() else "not here", source="config", path=path)
    return Listed(name, "here", size=size, source="config", path=path)


def _alias(name: str, target: str, settings: Settings) -> Listed:
    """Another name of a model, which is where that is."""
    source = f"{ALIAS}{target}"
    if meant(name, settings) != name:
        return Listed(name, "elsewhere", source=source)
    try:
        found = find(name, settings)
    except AiPalError:
        return Listed(name, "not here", source=source)
    here: State = "here" if found.path else "built in"
    state: State = "damaged" if found.problem else here if found.is_here else "not here"
    return Listed(name, state, found.size, source, found.path, revision=found.commit)
