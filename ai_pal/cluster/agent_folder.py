"""The folder of one agent: the socket that its worker connects to lies there, until the worker has.

An agent that is killed before that leaves it behind: later ones remove it."""

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from ai_pal.transport.listening import listens

PREFIX, SOCKET = "ai-pal-agent-", "w"

OLD = 60.0
"""Seconds from which on a folder without a listener is nobody's."""

LONGEST = 60
"""Characters that the folder of temporary files may have: the name of a socket is bounded."""


def make() -> Path:
    """A new one, that only its owner can enter."""
    place = Path(tempfile.gettempdir())
    if len(str(place)) > LONGEST:
        place = Path("/tmp")  # noqa: S108 - a folder of its own is made there
    sweep(place)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))


def sweep(place: Path, now: float | None = None) -> None:
    """Remove those of this user that were left behind."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            old = (time.time() if now is None else now) - found.st_mtime > OLD
            if found.st_uid == os.getuid() and old and not listens(folder / SOCKET):
                remove(folder)


def remove(folder: Path) -> None:
    """Harmless where it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
