"""The run directory with its sockets, the model cache, and the space that there is."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ai_pal.catalog import CATALOG, cache_dir
from ai_pal.catalog.caches.cache import FOLDER_HINT, nearest
from ai_pal.cli.setup.doctor.finding import Finding, failed, ok, warn
from ai_pal.config import Settings, paths
from ai_pal.transport.run_files import FRONT, WORKERS

ELSEWHERE = "set AI_PAL_HOME to a folder of yours"

LITTLE_SPACE = 1_000_000_000
"""Bytes; enough for the starter model, for few others."""

LITTLE_FOR_FILES = 50_000_000
"""Bytes; conversations, logs and what the database needs to be written anew."""


def check_folders(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """All checks of this file."""
    yield _run_directory(paths.run_dir())
    yield _sockets(paths.run_dir(), running=running)
    yield _cache(cache_dir(settings))
    yield _space(cache_dir(settings))
    home = paths.home()
    yield home_space(home, shutil.disk_usage(nearest(home)).free)


def _run_directory(folder: Path) -> Finding:
    why = "" if folder.parent == paths.home() else " (the usual place is too long a path, or on a network)"
    try:
        found = folder.lstat()
    except FileNotFoundError:
        if not os.access(nearest(folder), os.W_OK):
            return failed("run directory", f"{folder} cannot be created", ELSEWHERE)
        return ok("run directory", f"{folder} will be created{why}")
    except OSError as error:
        return failed("run directory", f"{folder}: {error.strerror}", ELSEWHERE)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        text = f"{folder} is not a folder of yours (owner uid {found.st_uid})"
        return failed("run directory", text, "remove it, or set AI_PAL_HOME to a folder of yours")
    if found.st_mode & 0o077:
        return warn("run directory", f"{folder} is open to others", f"chmod 700 {folder}")
    return ok("run directory", f"{folder}{why}")


def _sockets(folder: Path, *, running: bool) -> Finding:
    stale = []
    for path in (folder / FRONT, folder / WORKERS):
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        if not stat.S_ISSOCK(mode):
            text = f"{path} is in the way: it is not a socket"
            return failed("sockets", text, f"look at it and move it away: mv {path} {path}.old")
        stale.append(path.name)
    if running:
        return ok("sockets", ", ".join(stale))
    return ok("sockets", f"{' and '.join(stale)} left over, which is no obstacle" if stale else "none in use")


def _cache(folder: Path) -> Finding:
    mend = "make it writable, or set model_cache_dir (AI_PAL_MODEL_CACHE)"
    if (there := nearest(folder)).is_file():
        return failed("model cache", f"{folder} is no folder: {there} is a file", FOLDER_HINT)
    if not os.access(there, os.W_OK | os.X_OK):
        return failed("model cache", f"{folder} cannot be written", mend)
    if not folder.exists():
        return ok("model cache", f"{folder} will be created")
    return ok("model cache", str(folder))


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(nearest(folder)).free
    text = f"{free / 1e9:.1f} GB free for models"
    mend = "free some space, or set model_cache_dir (AI_PAL_MODEL_CACHE) to another disk"
    starter = CATALOG["smollm2"].artifact
    if starter and free < 2 * starter.size:
        return failed("disk space", text, mend)
    return warn("disk space", text, mend) if free < LITTLE_SPACE else ok("disk space", text)


def home_space(folder: Path, free: int) -> Finding:
    """Whether history, logs and locks have the space that they need."""
    shown = f"{free / 1e9:.1f} GB" if free >= 1e9 else f"{free / 1e6:.0f} MB"
    text = f"{shown} free in {folder} for history and logs"
    if free >= LITTLE_FOR_FILES:
        return ok("home space", text)
    return warn("home space", text, "free some space, or set AI_PAL_HOME to a folder on another disk")
