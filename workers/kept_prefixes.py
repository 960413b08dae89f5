"""Prefixes on disk: what a model has read of kept conversations, in folders that go with these. Bounded; what
is damaged or foreign is removed, and no engine sees it."""

import hashlib
import os
import stat
import time
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from workers.template_clock import Begun

STATE, ABOUT, PART = ".state", ".about", ".part"
OF_LIBRARY = ".tmp*"
"""What safetensors writes to before it renames."""
LEFT_FREE = 1_000_000_000
"""Bytes that stay free on the disk: history and models come first."""
STALE_SECONDS = 600.0
"""What a worker has begun to write and not finished by then is nobody's."""
WORTH = 128
"""Fewer tokens are read again about as fast."""
OWN_SHARE = 0.5
"""From this part of what is kept on, the same conversation goes on; else it was edited."""
CHUNK = 1 << 20
HEADER_BYTES = 1 << 20
LARGEST_ABOUT = 1 << 24
TOKEN_BYTES = 4


class About(msgspec.Struct, frozen=True):
    """Stands beside a state: tokens of the prompt that it begins with (32 bits each), its size and CRC-32,
    and what time the conversation is told, where a template tells one."""

    fingerprint: str
    tokens: bytes
    size: int
    crc: int
    begun: Begun | None = None


class Draft(NamedTuple):
    """A file that is being written, open as `handle`."""

    mark: str
    path: Path
    handle: int


class KeptPrefixes:
    """Of one model, told apart by its `fingerprint`. A conversation's folder bears its `mark`, and is made
    and removed by who keeps the conversation: without a folder nothing is written. No call raises for what
    the disk does."""

    def __init__(self, root: Path, limit: int, fingerprint: str) -> None:
        self._root, self._limit, self._fingerprint = root, limit, fingerprint

    def tokens(self, mark: str) -> Sequence[int] | None:
        """The tokens of the prompt of which something is kept here, if it is whole as far as it says."""
        about = self._about(mark)
        return None if about is None else array("i", about.tokens)

    def begun(self, mark: str) -> Begun | None:
        """What time this conversation was told."""
        about = self._about(mark)
        return None if about is None else about.begun

    def open(self, mark: str) -> int | None:
        """The state of this conversation as an open file, of which each byte was checked. It counts as
        used."""
        about = self._about(mark)
        if about is None:
            return None
        try:
            handle = os.open(self._file(mark, STATE), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            self.remove(mark)
            return None
        if not _is_ours(handle, about.size) or _crc(handle) != about.crc:
            os.close(handle)
            self.remove(mark)
            return None
        with suppress(OSError):
            os.utime(self._file(mark, ABOUT))
        return handle

    def remove(self, mark: str) -> None:
        """What is kept here of this conversation is not to be used again."""
        for ending in (ABOUT, STATE):
            with suppress(OSError):
                self._file(mark, ending).unlink()

    def is_wanted(self, mark: str) -> bool:
        """Whether the conversation is kept still."""
        return (self._root / mark).is_dir()

    def begin(self, mark: str, expected: int) -> Draft | None:
        """A new file for about so many bytes; None where the conversation has gone, or there is no room."""
        if expected > self._limit:
            return None
        path = self._root / mark / f"{self._fingerprint}-{os.getpid()}{PART}"
        try:
            free = os.statvfs(self._root / mark)
            if free.f_bavail * free.f_frsize < expected + LEFT_FREE:
                return None
            with suppress(FileNotFoundError):
                path.unlink()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return Draft(mark, path, os.open(path, flags, 0o600))
        except OSError:
            return None

    def reopened(self, draft: Draft) -> Draft:
        """The draft when a library has put another file in its place. Raises OSError."""
        handle = os.open(draft.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.close(draft.handle)
        return draft._replace(handle=handle)

    def give_up(self, draft: Draft) -> None:
        """Leave nothing of it."""
        with suppress(OSError):
            draft.path.unlink()
        os.close(draft.handle)

    def finish(self, draft: Draft, tokens: Sequence[int], begun: Begun | None = None) -> bool:
        """Keep what was written as the state behind these tokens, in place of an earlier one; the least
        recently used of all states make room."""
        written = False
        try:
            size = os.fstat(draft.handle).st_size
            if size and self._make_room(size, but=self._file(draft.mark, STATE)):
                data = array("i", tokens).tobytes()
                about = About(self._fingerprint, data, size, _crc(draft.handle), begun)
                self.remove(draft.mark)
                draft.path.rename(self._file(draft.mark, STATE))
                _write(draft.path, msgspec.msgpack.encode(about))
                draft.path.rename(self._file(draft.mark, ABOUT))
                written = True
        except OSError:  # the conversation was deleted meanwhile, or the disk is full
            self.remove(draft.mark)
        self.give_up(draft)
        return written

    def _file(self, mark: str, ending: str) -> Path:
        return self._root / mark / f"{self._fingerprint}{ending}"

    def _about(self, mark: str) -> About | None:
        path = self._file(mark, ABOUT)
        try:
            with open(path, "rb", opener=_no_links) as file:
                about = msgspec.msgpack.decode(file.read(LARGEST_ABOUT), type=About)
        except FileNotFoundError:
            with suppress(OSError):
                self._file(mark, STATE).unlink()  # its end was lost
            return None
        except (OSError, ValueError):
            self.remove(mark)
            return None
        if about.fingerprint != self._fingerprint or len(about.tokens) % TOKEN_BYTES:
            self.remove(mark)
            return None
        return about

    def _make_room(self, size: int, but: Path) -> bool:
        """Remove the least recently used until `size` more bytes fit; `but` is replaced anyway."""
        if size > self._limit:
            return False
        found = sorted(one for one in _states(self._root) if one[2] != but)
        total = sum(one[1] for one in found)
        for _, taken, state in found:
            if total + size <= self._limit:
                break
            for path in (state.with_suffix(ABOUT), state):
                with suppress(OSError):
                    path.unlink()
            total -= taken
        return True


def fingerprint_of(files: Iterable[Path], settings: dict[str, object]) -> str:
    """Tells the model, how it is loaded and by what, from all others: states of theirs mean nothing here.
    Raises OSError."""
    digest = hashlib.blake2b(msgspec.json.encode(settings, order="sorted"), digest_size=16)
    for path in files:
        found = path.stat()
        digest.update(f"{found.st_size} {found.st_mtime_ns} ".encode())
        with path.open("rb") as file:
            digest.update(file.read(HEADER_BYTES))
    return digest.hexdigest()


def _states(root: Path) -> Iterator[tuple[float, int, Path]]:
    """Each state: when it was last used, its size, where it is. What was left unfinished is removed."""
    for path in root.glob(f"*/*{STATE}"):
        with suppress(OSError):
            size = path.stat().st_size
            try:
                used = path.with_suffix(ABOUT).stat().st_mtime
            except FileNotFoundError:
                used = 0.0
            yield used, size, path
    for path in (*root.glob(f"*/*{PART}"), *root.glob(f"*/{OF_LIBRARY}")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _is_ours(handle: int, size: int) -> bool:
    found = os.fstat(handle)
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and found.st_size == size


def _write(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)


def _crc(handle: int) -> int:
    crc, at = 0, 0
    while chunk := os.pread(handle, CHUNK, at):
        crc, at = zlib.crc32(chunk, crc), at + len(chunk)
    return crc
