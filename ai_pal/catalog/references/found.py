"""What a reference means here and now, and its place on this disk."""

from pathlib import Path
from typing import Any

import msgspec

from ai_pal.catalog import stores
from ai_pal.catalog.caches import hub_cache
from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.catalog.known.model import KnownModel
from ai_pal.catalog.known.twins import twin
from ai_pal.catalog.weights import files
from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.wanted import Artifact, HubFiles, Wanted


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


def artifact_path(artifact: Artifact, settings: Settings) -> Path:
    """Where this artifact lies once pulled."""
    return cache_dir(settings) / artifact.file


def located(found: Found, settings: Settings) -> Found:
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
                return stored(found, there)
    return found


def stored(found: Found, there: stores.Stored) -> Found:
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
