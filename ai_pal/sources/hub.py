"""A model repository on the hub, fetched with huggingface_hub: safetensors or GGUF only, never code.

huggingface_hub 2.x throws a broken download away. Here each file grows in a place of its own until its
hash is right, so that a kill costs nothing, and moves into the cache whole.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ai_pal.catalog import too_large
from ai_pal.catalog.caches.cache import SPACE_HINT, WAIT_SECONDS, locked, replace_whole, told_apart
from ai_pal.catalog.caches.hub_cache import (
    FileFacts,
    HubFacts,
    HubManifest,
    manifest,
    manifest_path,
    repo_folder,
)
from ai_pal.catalog.weights import layout
from ai_pal.catalog.weights.ggufs import gguf_file, gguf_parts, projector
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol.wanted import HubFiles
from ai_pal.sources.base import Progress
from ai_pal.sources.hub_errors import explained, renamed
from ai_pal.sources.hub_info import ANSWER_SECONDS, RemoteFile, facts_of, model_info, remote_files, retried

CHUNK = 256 * 1024
"""Bytes between two signs of life; the library's 10 MB would be minutes on a slow line."""

_SPARE = 16 << 20


class Pulled(NamedTuple):
    """What a pull brought: what a worker loads, its bytes, the commit."""

    path: Path
    size: int
    commit: str


def pull_hub(wanted: HubFiles, cache: Path, progress: Progress, limit: int = 0) -> Pulled:
    """Bring the wanted files into `cache`, unless they have more than `limit` bytes (0: any number).

    Raises `AiPalError`: `model_not_here` (too large), `model_not_found`, `model_gated`, `model_invalid`,
    `offline`, `disk_full`, `cache_unwritable`, `hash_mismatch`, `download_failed`."""
    scratch = cache / ".pulls" / f"hub--{wanted.repo.replace('/', '--')}"
    with (
        told_apart(cache),
        locked(scratch.with_suffix(".lock"), scratch, lambda done: progress(done, 0), WAIT_SECONDS),
    ):
        return _Pull(wanted, cache, scratch, progress, limit).run()


class _Pull:
    """One pull, under its lock."""

    def __init__(self, wanted: HubFiles, cache: Path, scratch: Path, progress: Progress, limit: int) -> None:
        self._wanted, self._cache, self._scratch, self._progress = wanted, cache, scratch, progress
        self._limit = limit
        self._folder = repo_folder(cache, wanted.repo)
        self._done = self._total = 0

    def run(self) -> Pulled:
        from ai_pal.sources.hub_client import use

        use()
        with explained(self._wanted):
            info = model_info(self._wanted)
        if info.id and info.id != self._wanted.repo:
            renamed(self._wanted.repo, info.id)
        commit = str(info.sha)
        there = {file.name: file for file in remote_files(info, self._wanted)}
        snapshot = self._folder / "snapshots" / commit
        self._scratch.mkdir(parents=True, exist_ok=True)
        chosen = self._choose(there, commit, snapshot)
        self._check_space(chosen, snapshot)
        for file in chosen:
            self._fetch(file, commit, snapshot)
        self._note(chosen, commit, facts_of(info))
        shutil.rmtree(self._scratch, ignore_errors=True)
        size = sum(file.size for file in chosen)
        return Pulled(snapshot / chosen[0].name if self._wanted.gguf else snapshot, size, commit)

    def _choose(self, there: dict[str, RemoteFile], commit: str, snapshot: Path) -> list[RemoteFile]:
        """The files to have, small ones first: a folder with weights is a whole one."""
        what = self._wanted.repo
        if self._wanted.gguf:
            first = gguf_file(list(there), self._wanted.gguf, what, nearest=self._wanted.nearest)
            beside = projector(there)
            return [there[name] for name in (*gguf_parts(first, what), *([beside] if beside else ()))]
        layout.check_names(list(there), what)
        self._total = sum(file.size for file in there.values() if layout.is_needed(file.name))
        layout.read_config(self._fetch(there[layout.CONFIG], commit, snapshot).read_bytes(), what)
        weights = {layout.WEIGHTS}
        if layout.INDEX in there:
            weights = layout.shards(self._fetch(there[layout.INDEX], commit, snapshot).read_bytes(), what)
        for lacking in sorted(weights - set(there)):
            fail(Code.MODEL_INVALID, f"{what} lacks {lacking}", "it is incomplete: choose another")
        texts = {name for name in there if layout.is_needed(name) and not layout.is_weight(name)}
        return sorted(
            (there[name] for name in texts | weights), key=lambda file: (file.name in weights, file)
        )

    def _check_space(self, chosen: Iterable[RemoteFile], snapshot: Path) -> None:
        missing = [f for f in chosen if not _is_here(snapshot, f) and self._same_before(f) is None]
        self._total = sum(file.size for file in chosen)
        self._done = self._total - sum(file.size for file in missing)
        if self._limit and self._total > self._limit:
            self._progress(self._done, self._total)
            raise AiPalError(too_large(str(self._wanted).removeprefix("hub "), self._total))
        partial = sum(_size(self._scratch / file.digest) for file in missing)
        need = sum(file.size for file in missing) - partial + _SPARE
        free = shutil.disk_usage(self._cache).free
        if free < need:
            figures = f"{need / 1e6:,.0f} MB needed, {free / 1e6:,.0f} MB free"
            fail(Code.DISK_FULL, f"not enough space in {self._cache}: {figures}", SPACE_HINT)

    def _fetch(self, file: RemoteFile, commit: str, snapshot: Path) -> Path:
        """Bring one file into the snapshot, from where an earlier try stopped."""
        target = snapshot / file.name
        if _is_here(snapshot, file):
            return target
        if (same := self._same_before(file)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # where the disk knows no links it is fetched
                os.link(same, target)
                return target
        partial = self._scratch / file.digest
        if _size(partial) > file.size:
            partial.unlink()
        with explained(self._wanted):
            self._download(file, commit, partial)
        if _hash(partial, file, lambda: self._progress(self._done, self._total)) != file.digest:
            partial.unlink()
            fail(
                Code.HASH_MISMATCH,
                f"{file.name} of {self._wanted.repo} is not what the hub announced",
                "it was thrown away: try again",
                retryable=True,
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(partial, target)
        return target

    def _same_before(self, file: RemoteFile) -> Path | None:
        """The same file in an older commit, which we have checked then."""
        for note in (self._folder / "ai-pal").glob("*.json") if file.sha256 else ():
            known = manifest(self._folder, note.stem)
            if known is not None and known.files.get(file.name) == FileFacts(file.size, file.sha256):
                path = self._folder / "snapshots" / note.stem / file.name
                if _size(path) == file.size:
                    return path
        return None

    def _download(self, file: RemoteFile, commit: str, partial: Path) -> None:
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        constants.DOWNLOAD_CHUNK_SIZE = CHUNK
        url = hf_hub_url(self._wanted.repo, file.name, revision=commit)
        begun = self._done

        def get() -> None:
            with partial.open("ab") as out:
                here = out.tell()
                self._done = begun + here
                if here == file.size:
                    return
                location = get_hf_file_metadata(url, timeout=ANSWER_SECONDS).location
                headers = build_hf_headers()
                if not _same_server(url, location):
                    headers.pop("authorization", None)  # the token is for the hub, not for its storage
                http_get(
                    location,
                    out,
                    resume_size=here,
                    headers=headers,
                    expected_size=file.size,
                    tqdm_class=self._bar(),
                )

        retried(get, lambda: _size(partial))
        self._done = begun + file.size

    def _bar(self) -> Any:
        """A progress bar class, as huggingface_hub wants one, that only counts."""
        pull = self

        class Bar:
            def __init__(self, **_: Any) -> None:
                pass

            def update(self, count: int) -> None:
                pull._done += count
                pull._progress(pull._done, pull._total)

            def __enter__(self) -> "Bar":
                return self

            def __exit__(self, *_: object) -> None:
                pass

        return Bar

    def _note(self, chosen: Iterable[RemoteFile], commit: str, facts: HubFacts) -> None:
        """Write down what is here now, and what the revision stood for."""
        from huggingface_hub import constants

        before = manifest(self._folder, commit)
        files = dict(before.files) if before else {}
        files |= {file.name: FileFacts(file.size, file.sha256) for file in chosen}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        revision = self._wanted.revision or "main"
        note = HubManifest(self._wanted.repo, commit, constants.ENDPOINT, files, now, revision, facts)
        if revision != commit:
            _write(self._folder / "refs" / revision, commit.encode())
        text = msgspec.json.format(msgspec.json.encode(note)) + b"\n"
        _write(manifest_path(self._folder, commit), text)


def _is_here(snapshot: Path, file: RemoteFile) -> bool:
    # Only checked files come into a snapshot, and a commit's files never change.
    return _size(snapshot / file.name) == file.size and (snapshot / file.name).is_file()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash(path: Path, file: RemoteFile, alive: Callable[[], None]) -> str:
    if file.sha256:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as data:
        while chunk := data.read(8 << 20):
            digest.update(chunk)
            alive()
        if file.sha256:
            os.fsync(data.fileno())  # small files are checked by their size whenever they are used
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    os.replace(draft, path)


def _same_server(url: str, other: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(url)[:2] == urlsplit(other)[:2]
