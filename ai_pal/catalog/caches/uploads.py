"""Files that programs have sent to be models here: named by their hash, for their owner only, in a folder of
the model cache. What nothing names goes."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ai_pal.catalog.caches.cache import SPACE_HINT, replace_whole, told_apart
from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.config import Settings, presets
from ai_pal.errors import AiPalError, Code, fail

MODEL, TEMPLATE = ".gguf", ".jinja"
UNUSED_SECONDS = 24 * 3600.0
"""A file is sent first and named afterwards: so long it may take."""

SPARE = 64 << 20
"""Bytes of the disk that are left to others."""

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")


def folder(settings: Settings) -> Path:
    return cache_dir(settings) / "uploads"


def sha256_in(digest: str) -> str:
    """The hash that a digest names. Raises `AiPalError` (`bad_request`): it is none."""
    found = _DIGEST.fullmatch(digest)
    if found is None:
        fail(Code.BAD_REQUEST, "invalid digest format", "it is sha256: and 64 hexadecimal digits")
    return found[1]


def place(sha256: str, settings: Settings, kind: str = MODEL) -> Path:
    """Where the file of this hash lies, if it is here."""
    return folder(settings) / f"sha256-{sha256}{kind}"


def is_upload(path: str, settings: Settings) -> bool:
    """Whether this is one of them, as a setting has it: options of how it is loaded may stand behind it."""
    within = path.removeprefix(f"{folder(settings)}/")
    return within != path and "/" not in within.partition("?")[0]


class Upload:
    """A file that is coming. Its methods may wait for the disk; they raise `AiPalError`."""

    def __init__(self, file: IO[bytes], cache: Path) -> None:
        self._file, self._cache = file, cache
        self._hash, self.size = hashlib.sha256(), 0

    def check_space(self, size: int) -> None:
        """Raises `AiPalError` (`disk_full`) unless so many bytes more fit."""
        free = shutil.disk_usage(self._cache).free - SPARE
        if size > free:
            figures = f"{size / 1e6:.0f} MB to come, {max(0, free) / 1e6:.0f} MB free"
            fail(Code.DISK_FULL, f"not enough space in {self._cache}: {figures}", SPACE_HINT)

    def write(self, data: bytes) -> None:
        with told_apart(self._cache):
            self.check_space(len(data))
            self._hash.update(data)
            self._file.write(data)
            self.size += len(data)

    def install(self, sha256: str, target: Path) -> None:
        """It is whole: into its place. Raises `AiPalError` (`bad_request`): it is another file."""
        if (came := self._hash.hexdigest()) != sha256:
            what = f'digest mismatch, expected "sha256:{sha256}", got "sha256:{came}"'
            fail(Code.BAD_REQUEST, what, "send the file again")
        with told_apart(self._cache):
            self._file.flush()
            os.fsync(self._file.fileno())
            replace_whole(Path(self._file.name), target)


@contextlib.contextmanager
def upload(settings: Settings) -> Iterator[Upload]:
    """One that begins; what was not installed is gone after the block. Raises `AiPalError`."""
    where = folder(settings)
    with told_apart(where):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=where, prefix=".", delete=False)  # noqa: SIM115 - closed below
    try:
        yield Upload(file, where)
    finally:
        file.close()
        with contextlib.suppress(OSError):
            os.unlink(file.name)


def keep_text(text: str, settings: Settings) -> Path:
    """The file of a template. Raises `AiPalError`."""
    data = text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    target = place(sha256, settings, TEMPLATE)
    with upload(settings) as coming:
        coming.write(data)
        coming.install(sha256, target)
    return target


def sweep(settings: Settings, now: float, gone: str = "") -> None:
    """Remove what no name and no preset names: what a name that was taken out stood for (`gone`) at once, all
    else after a day."""
    with contextlib.suppress(OSError):
        named = _named(settings)
        for file in list(folder(settings).iterdir()):
            released = file.name in gone
            if file.name not in named and (released or now - file.stat().st_mtime > UNUSED_SECONDS):
                file.unlink()


def _named(settings: Settings) -> str:
    """All that models are called by, in one text: a file counts as named wherever its name stands."""
    found = [settings.model, settings.local.model, *settings.preload]
    found += [one.path or one.model or "" for one in settings.models.values()]
    for name in presets.names():
        try:
            found.append(presets.read_text(name) or "")
        except AiPalError:
            continue
    return "\n".join(found)
