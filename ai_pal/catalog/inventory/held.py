"""What is on this machine of the hub's models, as far as it can be compared with what the hub has now."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ai_pal.catalog.caches import hub_cache
from ai_pal.catalog.inventory.listed import ALIAS, Listed
from ai_pal.catalog.inventory.removing import texts_and_weights
from ai_pal.catalog.references.finding import find
from ai_pal.catalog.references.refusals import not_here
from ai_pal.config import Settings
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.protocol.wanted import Artifact, HubFiles

SMALL = 16 << 20
"""Bytes of a file that is hashed to be compared; what a larger one is was noted when it was fetched."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_HERE = ("verified", "here", "damaged")


class Held(msgspec.Struct, frozen=True):
    """A model that is here. `reference` is what the hub is asked for; without one `why` says why it cannot be
    asked. `older` names this very commit once another is here. `digests` are those of its files, "" where
    one is not known."""

    name: str
    reference: str = ""
    commit: str = ""
    older: str = ""
    digests: dict[str, str] = {}
    why: str = ""


def names_here(listed: Iterable[Listed]) -> list[str]:
    """Those of an inventory that are here, without other names for them."""
    return [one.name for one in listed if one.state in _HERE and not one.source.startswith(ALIAS)]


def held(name: str, settings: Settings) -> Held:
    """What is here under this name. Raises `AiPalError` (`model_not_here`, `model_not_found`)."""
    found = find(name, settings)
    if found.store:
        return Held(name, why=f"{found.store} keeps it: update it there")
    if isinstance(found.wanted, Artifact):
        return Held(name, why="it is one known file: another comes with AI-PAL itself")
    if not isinstance(found.wanted, HubFiles):
        return Held(name, why="it is a file of your own" if found.path else "it is built in")
    if not found.path:
        raise not_here(name, found.size)
    return _of_hub(name, found.wanted, Path(found.path), found.commit)


def _of_hub(name: str, wanted: HubFiles, path: Path, commit: str) -> Held:
    snapshot = next(place for place in (path, *path.parents) if place.parent.name == "snapshots")
    folder = snapshot.parent.parent
    note = hub_cache.manifest(folder, commit)
    revision = wanted.revision or (note.revision if note else _ref(folder, commit))
    if _COMMIT.fullmatch(revision):
        return Held(name, commit=commit, why="you named this very commit")
    at = "" if revision in ("", "main") else f"@{revision}"
    names = (
        {part.relative_to(snapshot).as_posix() for part in part_paths(path)}
        if wanted.gguf
        else texts_and_weights(snapshot)
    )
    known = {file: facts.sha256 for file, facts in note.files.items()} if note else {}
    digests = {file: known.get(file) or _digest(snapshot / file) for file in sorted(names)}
    older = f"{wanted.repo}@{commit[:12]}{f':{wanted.gguf}' if wanted.gguf else ''}"
    return Held(name, f"{wanted.repo}{at}", commit, older, digests)


def _ref(folder: Path, commit: str) -> str:
    """The branch or tag of which Hugging Face's cache says that it is this commit."""
    for ref in sorted((folder / "refs").rglob("*")):
        if ref.is_file() and ref.read_text(encoding="utf-8", errors="replace").strip() == commit:
            return ref.relative_to(folder / "refs").as_posix()
    return ""


def _digest(file: Path) -> str:
    """As the hub tells it: a file's name in Hugging Face's cache, the git hash of a small one of ours."""
    blob = file.resolve().name
    if file.is_symlink() and _DIGEST.fullmatch(blob):
        return blob
    size = file.stat().st_size
    if size > SMALL:
        return ""
    return hashlib.sha1(b"blob %d\0" % size + file.read_bytes(), usedforsecurity=False).hexdigest()
