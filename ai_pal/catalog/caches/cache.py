"""The model cache on disk: what is there and verified, one pull at a time, whole files only."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ai_pal.catalog.caches.stall import StallWatch, largest_file
from ai_pal.catalog.weights import files
from ai_pal.catalog.weights.files import Manifest
from ai_pal.errors import FREE_SPACE, FULL, Code, fail
from ai_pal.protocol.wanted import Artifact

WAIT_SECONDS = 180.0
"""How long another pull of the same model may stand still: unpacking and hashing do not grow it."""

_SPARE = 1 << 20
_POLL_SECONDS = 0.1


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class CachePlace:
    """One model's place in the cache folder."""

    def __init__(self, cache: Path, name: str, artifact: Artifact) -> None:
        self.path = cache / artifact.file
        self.manifest_path = files.manifest_path(self.path)
        self._cache = cache
        self._artifact = artifact
        self._scratch = cache / ".pulls" / name
        self._lock = cache / ".pulls" / f"{name}.lock"

    def manifest(self) -> Manifest | None:
        """The manifest, when there is a readable one."""
        return files.manifest(self.path)

    def is_verified(self) -> bool:
        """Whether the file is there in its right size and its hash was checked once."""
        return self._has_size() and files.is_verified(self.path, self._artifact.sha256)

    def adopt(self) -> bool:
        """Verify a file that lies there without a manifest; False when it is not the right one."""
        if not self._has_size() or sha256_of(self.path) != self._artifact.sha256:
            return False
        self._write_manifest("found in the cache")
        return True

    def locked(
        self, waiting: Callable[[int], None], stall_seconds: float
    ) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of this model; see `locked`."""
        return locked(self._lock, self._scratch, waiting, stall_seconds)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A fresh folder on the cache's file system, gone afterwards. Needs the lock, and so may
        sweep what killed pulls left behind."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        try:
            yield Path(tempfile.mkdtemp(dir=self._scratch))
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def check_space(self) -> None:
        """Raises `AiPalError` (`disk_full`) unless the download and the unpacked file fit."""
        need, free = 2 * self._artifact.size + _SPARE, shutil.disk_usage(self._cache).free
        if free < need:
            figures = f"{need / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free"
            fail(Code.DISK_FULL, f"not enough space in {self._cache}: {figures}", SPACE_HINT)

    def install(self, file: Path, source: str) -> None:
        """Put the verified `file` into its place: whole, or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(file, self.path)
        self._write_manifest(source)

    def _write_manifest(self, source: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(source, self._artifact.sha256, self._artifact.size, now)
        draft = self.manifest_path.with_suffix(".json.new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        os.replace(draft, self.manifest_path)

    def _has_size(self) -> bool:
        try:
            return self.path.stat().st_size == self._artifact.size
        except OSError:
            return False


SPACE_HINT = f"{FREE_SPACE}, or set model_cache_dir (AI_PAL_MODEL_CACHE) to another disk"

FOLDER_HINT = "set model_cache_dir (AI_PAL_MODEL_CACHE) to a folder"


def nearest(path: Path) -> Path:
    """The path itself, or the nearest above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


@contextlib.contextmanager
def told_apart(cache: Path) -> Iterator[None]:
    """Turns OSErrors about the cache folder into `disk_full` or `cache_unwritable`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            fail(Code.DISK_FULL, f"the disk that holds {cache} is full", SPACE_HINT)
        if (there := nearest(cache)).is_file():
            message = f"the model cache {cache} is no folder: {there} is a file"
            fail(Code.CACHE_UNWRITABLE, message, FOLDER_HINT)
        hint = "make it writable, or set model_cache_dir (AI_PAL_MODEL_CACHE)"
        fail(Code.CACHE_UNWRITABLE, f"the model cache {cache} cannot be written: {error.strerror}", hint)


@contextlib.contextmanager
def locked(lock: Path, scratch: Path, waiting: Callable[[int], None], stall_seconds: float) -> Iterator[None]:
    """Hold `lock`; meanwhile `waiting` hears how many bytes the other pull has in `scratch`."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("wb") as file:
        stall = StallWatch(stall_seconds, time.monotonic())
        while not _try_lock(file.fileno()):
            done = largest_file(scratch)
            waiting(done)
            if stall.is_stalled(done, time.monotonic()):
                fail(Code.DOWNLOAD_FAILED, "another pull of this model hangs", "end it, then try again")
            time.sleep(_POLL_SECONDS)
        yield


def replace_whole(file: Path, target: Path) -> None:
    """Move `file` to its place so that it is there whole, or not at all, whatever happens."""
    os.replace(file, target)
    _sync(target.parent)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
