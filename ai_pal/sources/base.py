"""The source seam: something that can write one model file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_CHUNK = 1 << 20


class Reader(Protocol):
    """What `copy_hashed` reads from."""

    def read(self, size: int, /) -> bytes: ...


class Source(Protocol):
    """One place to get a model file from."""

    def fetch(self, into: Path, size: int, progress: Progress) -> str:
        """Write the file of `size` bytes to `into` and return its SHA-256.

        `into.parent` is a scratch folder of this call alone, removed afterwards. Raises `AiPalError`
        (`download_failed`, `pip_missing`, `file_unreadable`), and OSError from writing.
        """


def copy_hashed(reader: Reader, into: Path, size: int, progress: Progress | None = None) -> str:
    """Copy to the new file `into`, down to the disk, and return the SHA-256.

    Stops right after `size` bytes: what is longer has the wrong hash anyway, and must not fill the disk.
    """
    digest, done = hashlib.sha256(), 0
    with into.open("xb") as out:
        while done <= size and (chunk := reader.read(_CHUNK)):
            out.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if progress:
                progress(min(done, size), size)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()
