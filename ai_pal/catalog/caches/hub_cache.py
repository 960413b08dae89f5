"""Repositories on this disk, in the layout of Hugging Face's own cache: what `from_pretrained` once
fetched is used where it lies, and what we fetch can be used by others."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ai_pal.catalog.weights import files
from ai_pal.catalog.weights.ggufs import gguf_file
from ai_pal.config import Settings, paths
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.wanted import HubFiles

_COMMIT = re.compile(r"[0-9a-f]{40}")


class FileFacts(msgspec.Struct, frozen=True):
    """One file as the hub describes it. `sha256` is empty for small files, which have a git hash only."""

    size: int
    sha256: str = ""


class HubFacts(msgspec.Struct, frozen=True):
    """What the hub said of a repository when it was fetched; empty or 0 where it said nothing. `parameters`
    counts weights, `context` tokens; `gated`: its owner asks for consent."""

    licence: str = ""
    gated: bool = False
    parameters: int = 0
    context: int = 0
    task: str = ""


class HubManifest(msgspec.Struct, frozen=True):
    """What was fetched of one commit, and checked."""

    repo: str
    commit: str
    endpoint: str
    files: dict[str, FileFacts]
    fetched_at: str
    revision: str = ""
    facts: HubFacts = HubFacts()


class Snapshot(NamedTuple):
    """Files of one commit on this disk. `path` is what a worker loads; without a `manifest` somebody
    else fetched them."""

    path: Path
    commit: str
    folder: Path
    manifest: HubManifest | None


def cache_dir(settings: Settings) -> Path:
    """The folder that holds the models."""
    return Path(settings.model_cache_dir) if settings.model_cache_dir else paths.model_cache_dir()


def repo_folder(cache: Path, repo: str) -> Path:
    """Where all of one repository lies."""
    return cache / f"models--{repo.replace('/', '--')}"


def repo_name(repo_folder: Path) -> str:
    """The repository that lies in such a folder."""
    return repo_folder.name.removeprefix("models--").replace("--", "/", 1)


def repos_here(settings: Settings) -> frozenset[str]:
    """The repositories of which something lies in our cache or in Hugging Face's: one look at each folder."""
    found: set[str] = set()
    for cache in (cache_dir(settings), paths.hub_cache()):
        with contextlib.suppress(OSError):
            found.update(name for name in os.listdir(cache) if name.startswith("models--"))
    return frozenset(repo_name(Path(name)) for name in found)


def manifest_path(repo_folder: Path, commit: str) -> Path:
    return repo_folder / "ai-pal" / f"{commit}.json"


def manifest(repo_folder: Path, commit: str) -> HubManifest | None:
    """What we noted about a commit, if there is a readable note."""
    try:
        return msgspec.json.decode(manifest_path(repo_folder, commit).read_bytes(), type=HubManifest)
    except (OSError, msgspec.DecodeError):
        return None


def facts_of(path: str, commit: str) -> HubFacts:
    """What the hub said of the model at `path` in our cache when it was fetched; nothing of another."""
    snapshot = next((place for place in (Path(path), *Path(path).parents) if place.name == commit), None)
    note = manifest(snapshot.parent.parent, commit) if snapshot is not None and commit else None
    return note.facts if note is not None else HubFacts()


def find(wanted: HubFiles, settings: Settings, environ: Mapping[str, str] = os.environ) -> Snapshot | None:
    """The wanted files, if they are here and whole: in our cache, else in Hugging Face's."""
    for cache in (cache_dir(settings), paths.hub_cache(environ)):
        folder = repo_folder(cache, wanted.repo)
        for commit in _commits(folder, wanted.revision):
            snapshot = folder / "snapshots" / commit
            path, noted = _usable(snapshot, wanted), manifest(folder, commit)
            if path is not None and (noted is None or _has_its_sizes(path, snapshot, noted)):
                return Snapshot(path, commit, folder, noted)
    return None


def _has_its_sizes(path: Path, snapshot: Path, noted: HubManifest) -> bool:
    """Whether a GGUF has the sizes that were noted of its parts: else it was cut off later, and is fetched
    again. A folder was looked at already."""
    for part in part_paths(path) if path.is_file() else []:
        facts = noted.files.get(str(part.relative_to(snapshot)))
        if facts is not None and part.stat().st_size != facts.size:
            return False
    return True


def _commits(folder: Path, revision: str) -> Iterator[str]:
    """The commits that `revision` may mean, the likeliest first."""
    try:
        here = {entry.name for entry in (folder / "snapshots").iterdir()}
    except OSError:
        return
    if _COMMIT.fullmatch(revision):
        yield from here & {revision}
        return
    try:
        named = (folder / "refs" / (revision or "main")).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        named = ""
    if named in here:
        yield named
    elif revision and len(revision) >= 7:
        yield from sorted(commit for commit in here if commit.startswith(revision))
    if not revision:
        # No particular one is wanted: any that is here serves without the network.
        yield from sorted(here - {named}, key=lambda c: -(folder / "snapshots" / c).stat().st_mtime)


def _usable(snapshot: Path, wanted: HubFiles) -> Path | None:
    try:
        if not wanted.gguf:
            files.check_folder(snapshot)
            return snapshot
        names = [str(file.relative_to(snapshot)) for file in snapshot.rglob("*") if file.is_file()]
        path = snapshot / gguf_file(names, wanted.gguf, wanted.repo, nearest=wanted.nearest)
        files.checked_model(path.absolute())
    except (AiPalError, OSError):
        return None
    return path
