"""Take a model out of the cache: only what lies in our own folder, and only its own files."""

import shutil
from pathlib import Path

import msgspec

from ai_pal.catalog import Found, cache_dir, files, hub_cache, used
from ai_pal.catalog.cache import told_apart
from ai_pal.config import Settings
from ai_pal.errors import Code, fail
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.egress import Artifact, HubFiles


def remove(found: Found, settings: Settings) -> int:
    """Remove a model that is here; returns the bytes that are free again.

    Raises `AiPalError`: `model_not_found` (nothing is here), `model_invalid` (it is not ours to remove),
    `cache_unwritable`."""
    cache = cache_dir(settings)
    if not found.path and found.problem is None:
        fail(Code.MODEL_NOT_FOUND, f"{found.name} is not on this machine", "see: ai-pal list")
    check_ours(found)
    with told_apart(cache):
        match found.wanted:
            case Artifact() as artifact:
                freed = _remove_file(cache / artifact.file)
            case HubFiles() as wanted:
                freed = _remove_snapshot(wanted, Path(found.path), found.commit, cache)
            case None:
                fail(Code.MODEL_INVALID, f"{found.path} is a file of your own", "remove it yourself")
        used.forget(found.path, settings)
    return freed


def check_ours(found: Found) -> None:
    """Raises `AiPalError` (`model_invalid`) for what another program keeps."""
    if found.store:
        hint = f"remove it there: {found.remove or f'in {found.store}'}"
        fail(Code.MODEL_INVALID, f"{found.name} is kept by {found.store}: {found.path}", hint)


def _remove_file(path: Path) -> int:
    size = path.stat().st_size
    path.unlink()
    files.manifest_path(path).unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return size


def _remove_snapshot(wanted: HubFiles, path: Path, commit: str, cache: Path) -> int:
    folder = hub_cache.repo_folder(cache, wanted.repo)
    if not path.is_relative_to(folder):
        hint = "other programs use it too; remove it with: hf cache rm"
        fail(Code.MODEL_INVALID, f"{wanted.repo} lies in Hugging Face's cache", hint)
    snapshot, note = folder / "snapshots" / commit, hub_cache.manifest(folder, commit)
    parts = {part.relative_to(snapshot).as_posix() for part in part_paths(path)} if wanted.gguf else set()
    mine = parts or _texts_and_weights(snapshot)
    freed = sum((snapshot / name).stat().st_size for name in mine)
    for name in mine:
        (snapshot / name).unlink()
    if note is not None:
        rest = {name: facts for name, facts in note.files.items() if name not in mine}
        left = msgspec.structs.replace(note, files=rest)
        hub_cache.manifest_path(folder, commit).write_bytes(msgspec.json.encode(left))
    if not any(file.is_file() for file in snapshot.rglob("*")):
        hub_cache.manifest_path(folder, commit).unlink(missing_ok=True)
        shutil.rmtree(snapshot)
    if not any((folder / "snapshots").iterdir()):
        shutil.rmtree(folder)
    return freed


def _texts_and_weights(snapshot: Path) -> set[str]:
    return {file.name for file in snapshot.iterdir() if file.is_file() and file.suffix != ".gguf"}
