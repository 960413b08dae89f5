"""The files of a load as nodes get them: by their places under a model cache, with the hashes that were
noted when they were fetched, and how a node could fetch the model itself."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ai_pal.catalog.caches import hub_cache
from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.references import beside
from ai_pal.catalog.weights import files as noted_files
from ai_pal.catalog.weights import layout
from ai_pal.catalog.weights.ggufs import projector
from ai_pal.catalog.weights.identity import place_outside
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.cluster import ModelFile
from ai_pal.protocol.wanted import Artifact, HubFiles, Wanted
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.pool.nodes.objections import Files

_SNAPSHOTS = 3
"""Parts of a place in front of a repository's own names: `models--ORG--NAME/snapshots/COMMIT`."""


def files_for_nodes(cache: Path, cluster: ClusterSettings, load: LoadModel) -> Files | None:
    """Those of a model, and of what its options name beside it; None where it has none, one has gone, or one
    is a link that leads elsewhere: then a node has them at the same paths or not at all."""
    places, found = dict[str, str](), dict[str, ModelFile]()
    try:
        for path in (*filter(None, [load.path]), *beside.named_beside(load.options)):
            model, where = path == load.path, Path(path)
            files = _of_model(where) if model else beside.files_at(where)
            if not _are_own(files, where, cache):
                return None
            places[path] = place = _place(cache, where, files, loose=model)
            found |= {one.place: one for one in _under(place, where, files, cache)}
    except (OSError, ValueError):
        return None
    if not found:
        return None
    pulled = _wanted(places[load.path]) if cluster.pull and load.path else None
    return Files(places, tuple(found.values()), str(cache), cluster.shared, pulled)


def _of_model(path: Path) -> list[Path]:
    """Those that a load may read: of a folder what a model needs, else the file with its other parts and what
    it sees with."""
    if path.is_dir():
        names = (one for one in path.rglob("*") if one.is_file())
        return sorted(one for one in names if layout.is_needed(one.relative_to(path).as_posix()))
    seeing = projector(one.name for one in path.parent.iterdir())
    return [*part_paths(path), *([path.with_name(seeing)] if seeing else ())]


def _are_own(files: Iterable[Path], path: Path, cache: Path) -> bool:
    """Whether they lie where what was named does, links followed: only what was named itself may be a link to
    anywhere. A repository in the cache is links into its own folder."""
    is_folder = path.is_dir()
    parts = path.relative_to(cache).parts if path.is_relative_to(cache) else ()
    home = (cache / parts[0] if _is_snapshot(parts) else path if is_folder else path.parent).resolve()
    named = path.resolve() if is_folder else path.resolve().parent
    real = (file.resolve() for file in files if is_folder or file != path)
    return all(one.is_relative_to(home) or one.is_relative_to(named) for one in real)


def _place(cache: Path, path: Path, files: Iterable[Path], *, loose: bool) -> str:
    """Where it lies under a node's cache: as under ours, if it was fetched or may lie there `loose`. What
    people make themselves changes under its name, and often keeps its size."""
    parts = path.relative_to(cache).parts if path.is_relative_to(cache) else ()
    fetched = _is_snapshot(parts) or noted_files.manifest(path) is not None
    if parts and ".." not in parts and (loose or fetched):
        return "/".join(parts)
    return place_outside(path, files)


def _under(place: str, path: Path, files: Iterable[Path], cache: Path) -> Iterator[ModelFile]:
    """The files of what lies at this place: it, and what is beside it or in it. Raises OSError."""
    top, note = PurePosixPath(place).parent, _note_of(cache, PurePosixPath(place))
    for file in files:
        at, found = top / file.relative_to(path.parent), file.stat()
        if path.is_relative_to(cache) and str(at) == file.relative_to(cache).as_posix():
            yield ModelFile(str(at), found.st_size, _noted_hash(cache, at, found.st_size, note))
        else:
            yield ModelFile(str(at), found.st_size, "", str(file), found.st_mtime_ns)


def _note_of(cache: Path, place: PurePosixPath) -> hub_cache.HubManifest | None:
    """What was noted of all files of a repository when they were fetched, if it is in one."""
    parts = place.parts
    return hub_cache.manifest(cache / parts[0], parts[2]) if _is_snapshot(parts) else None


def _noted_hash(cache: Path, place: PurePosixPath, size: int, note: hub_cache.HubManifest | None) -> str:
    parts = place.parts
    if _is_snapshot(parts):
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
