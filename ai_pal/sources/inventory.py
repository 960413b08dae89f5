"""Which models are here: the catalog's and those of `[models.NAME]` in the config."""

from pathlib import Path
from typing import Literal

import msgspec

from ai_pal.catalog import CATALOG, KnownModel, cache_dir
from ai_pal.config import Settings
from ai_pal.sources.cache import Slot

State = Literal["built in", "verified", "here", "damaged", "not here"]


class Listed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model as `ai-pal list` shows it; `size` in bytes, of the file or of what a pull would bring."""

    name: str
    state: State
    size: int = 0
    source: str = ""
    path: str = ""
    about: str = ""
    licence: str = ""


def inventory(settings: Settings) -> list[Listed]:
    """Every model that can be named, by name."""
    known = [_known(entry, settings) for entry in CATALOG.values()]
    own = [_own(name, model.path) for name, model in settings.models.items() if model.path]
    shadowed = {listed.name for listed in own}
    return sorted([*own, *(k for k in known if k.name not in shadowed)], key=lambda listed: listed.name)


def _known(entry: KnownModel, settings: Settings) -> Listed:
    artifact = entry.artifact
    if artifact is None:
        return Listed(entry.name, "built in", about=entry.about, licence=entry.licence)
    slot = Slot(cache_dir(settings), entry.name, artifact)
    return Listed(
        entry.name,
        _state(slot, artifact.size),
        size=artifact.size,
        source=manifest.source if (manifest := slot.manifest()) else str(artifact.source),
        path=str(slot.path),
        about=entry.about,
        licence=entry.licence,
    )


def _state(slot: Slot, size: int) -> State:
    if slot.is_verified():
        return "verified"
    if not slot.path.is_file():
        return "not here"
    return "here" if slot.path.stat().st_size == size else "damaged"


def _own(name: str, path: str) -> Listed:
    file = Path(path)
    if not file.is_file():
        return Listed(name, "not here", source="config", path=path)
    return Listed(name, "here", size=file.stat().st_size, source="config", path=path)
