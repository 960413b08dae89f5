"""Take a model out of the cache: only what lies in our own folder, and only its own files."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ai_pal.catalog.caches import hub_cache, used
from ai_pal.catalog.caches.cache import told_apart
from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.catalog.references.found import Found
from ai_pal.catalog.weights import files
from ai_pal.config import Settings
from ai_pal.errors import Code, fail
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.wanted import Artifact, HubFiles


def files_of(found: Found, settings: Settings) -> list[Path]:
    """What `remove` would remove. Raises `AiPalError`: `model_not_found` (nothing is here), `model_invalid`
    (it is not ours to remove), `cache_unwritable`."""
    cache = cache_dir(settings)
    if not found.path and found.problem is None:
        fail(Code.MODEL_NOT_FOUND, f"{found.name} is not on this machine", "see: ai-pal list")
    if found.store:
        hint = f"remove it there: {found.remove or f'in {found.store}'}"
        fail(Code.MODEL_INVALID, f"{found.name} is kept by {found.store}: {found.path}", hint)
    if found.wanted is None:
        fail(Code.MODEL_INVALID, f"{found.path} is a file of your own", "remove it yourself")
    if isinstance(found.wanted, Artifact):
        return [cache / found.wanted.file]
    with told_apart(cache):
        return _in_snapshot(found.wanted, Path(found.path), found.commit, cache)


def sizes(paths: Iterable[Path]) -> int:
    """The bytes that these files take."""
    return sum(path.stat().st_size for path in paths)


def remove(found: Found, settings: Settings) -> int:
    """Remove a model that is here; returns the bytes that are free again. Raises like `files_of`."""
    cache, mine = cache_dir(settings), files_of(found, settings)
    with told_apart(cache):
        freed = sizes(mine)
        for path in mine:
            path.unlink()
        if isinstance(found.wanted, HubFiles):
            _tidy_snapshot(hub_cache.repo_folder(cache, found.wanted.repo), found.commit, mine)
        else:
            _tidy_file(*mine)
        used.forget(found.path, settings)
    return freed


def _tidy_file(path: Path) -> None:
    files.manifest_path(path).unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _in_snapshot(wanted: HubFiles, path: Path, commit: str, cache: Path) -> list[Path]:
    folder = hub_cache.repo_folder(cache, wanted.repo)
    if not path.is_relative_to(folder):
        hint = "other programs use it too; remove it with: hf cache rm"
        fail(Code.MODEL_INVALID, f"{wanted.repo} lies in Hugging Face's cache", hint)
    snapshot = folder / "snapshots" / commit
    parts = {part.relative_to(snapshot).as_posix() for part in part_paths(path)} if wanted.gguf else set()
    return [snapshot / name for name in parts or texts_and_weights(snapshot)]


def _tidy_snapshot(folder: Path, commit: str, gone: list[Path]) -> None:
    snapshot, note = folder / "snapshots" / commit, hub_cache.manifest(folder, commit)
    if note is not None:
        names = {path.relative_to(snapshot).as_posix() for path in gone}
        rest = {name: facts for name, facts in note.files.items() if name not in names}
        left = msgspec.structs.replace(note, files=rest)
        hub_cache.manifest_path(folder, commit).write_bytes(msgspec.json.encode(left))
    if not any(file.is_file() for file in snapshot.rglob("*")):
        hub_cache.manifest_path(folder, commit).unlink(missing_ok=True)
        shutil.rmtree(snapshot)
    if not any((folder / "snapshots").iterdir()):
        shutil.rmtree(folder)


def texts_and_weights(snapshot: Path) -> set[str]:
    """The files of a safetensors model in a snapshot, which may hold GGUFs too."""
    return {file.name for file in snapshot.iterdir() if file.is_file() and file.suffix != ".gguf"}
