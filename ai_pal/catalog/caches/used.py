"""When a model was last used: the time stamp of an empty file, one per model path."""

import contextlib
import os
import zlib
from pathlib import Path

from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.config import Settings


def touch(path: str, settings: Settings) -> None:
    """Note that the model at `path` is used now. A cache that cannot be written is no error."""
    stamp = _stamp(path, settings)
    with contextlib.suppress(OSError):
        try:
            os.utime(stamp)
        except FileNotFoundError:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()


def last_used(path: str, settings: Settings) -> float | None:
    """Seconds since the epoch, None for never."""
    try:
        return _stamp(path, settings).stat().st_mtime
    except OSError:
        return None


def forget(path: str, settings: Settings) -> None:
    """The model is removed."""
    _stamp(path, settings).unlink(missing_ok=True)


def _stamp(path: str, settings: Settings) -> Path:
    return cache_dir(settings) / ".used" / f"{zlib.crc32(os.fsencode(path)):08x}"
