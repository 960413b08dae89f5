"""The files of a model as nodes get them: by their places under the model cache, with the hashes that were
noted when they were fetched, and how a node could fetch them itself."""

from pathlib import Path, PurePosixPath

from ai_pal.catalog import files as noted_files
from ai_pal.catalog import hub_cache, layout
from ai_pal.catalog.entries import CATALOG
from ai_pal.catalog.ggufs import projector
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.cluster import ModelFile
from ai_pal.protocol.wanted import Artifact, HubFiles, Wanted
from ai_pal.server.pool.node_admission import Files

_SNAPSHOTS = 3
"""Parts of a place in front of a repository's own names: `models--ORG--NAME/snapshots/COMMIT`."""


def files_for_nodes(cache: Path, cluster: ClusterSettings, path: str) -> Files | None:
    """Those of the model that is loaded from `path`; None where it is in no cache: a node has it at the same
    path or not at all."""
    try:
        place = Path(path).relative_to(cache).as_posix() if path else ""
        found = tuple(_file(cache, one) for one in _all_of(Path(path))) if place else ()
    except (OSError, ValueError):
        return None
    if not found:
        return None
    pulled = _wanted(place) if cluster.pull else None
    return Files(place, found, str(cache), cluster.shared, pulled)


def _all_of(path: Path) -> list[Path]:
    """Those that a load may read: of a folder what a model needs, else the file with its other parts and what
    it sees with."""
    if path.is_dir():
        names = (one for one in path.rglob("*") if one.is_file())
        return sorted(one for one in names if layout.is_needed(one.relative_to(path).as_posix()))
    beside = projector(one.name for one in path.parent.iterdir())
    return [*part_paths(path), *([path.with_name(beside)] if beside else ())]


def _file(cache: Path, path: Path) -> ModelFile:
    """Raises OSError for one that has gone, ValueError for one of another place."""
    place, size = path.relative_to(cache).as_posix(), path.stat().st_size
    if ".." in PurePosixPath(place).parts:
        raise ValueError(f"{path} lies outside of {cache}")
    return ModelFile(place, size, _noted_hash(cache, PurePosixPath(place), size))


def _noted_hash(cache: Path, place: PurePosixPath, size: int) -> str:
    parts = place.parts
    if _is_snapshot(parts):
        note = hub_cache.manifest(cache / parts[0], parts[2])
        facts = note.files.get("/".join(parts[_SNAPSHOTS:])) if note is not None else None
        return facts.sha256 if facts is not None and facts.size == size else ""
    manifest = noted_files.manifest(cache / place)
    return manifest.sha256 if manifest is not None and manifest.size == size else ""


def _wanted(place: str) -> Wanted | None:
    """How this is fetched, exactly this; None for what nobody has published."""
    parts = PurePosixPath(place).parts
    if _is_snapshot(parts):
        return HubFiles(hub_cache.repo_name(Path(parts[0])), parts[2], "/".join(parts[_SNAPSHOTS:]))
    variants = (variant.wanted for known in CATALOG.values() for variant in known.variants)
    return next((one for one in variants if isinstance(one, Artifact) and one.file == place), None)


def _is_snapshot(parts: tuple[str, ...]) -> bool:
    return len(parts) >= _SNAPSHOTS and parts[0].startswith("models--") and parts[1] == "snapshots"
