"""Clients brought from npm and PyPI, each into a folder of its own outside the checkout."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.client_runs.clients import Bundle

SECONDS = 900.0


def folder(bundle: Bundle) -> Path:
    """Where it is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ai-pal-tests" / "clients" / bundle.folder


def is_here(bundle: Bundle) -> bool:
    """Whether it is installed in these versions."""
    stamp = folder(bundle) / ".ready"
    return stamp.is_file() and stamp.read_text() == " ".join(bundle.wants)


def install(bundle: Bundle) -> None:
    """Bring it, if it is not here. Raises `RuntimeError`: it could not be brought."""
    if is_here(bundle):
        return
    place, wanted = folder(bundle), " ".join(bundle.wants)
    print(f"clients: {wanted}: is being installed", file=sys.stderr)
    begun = time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for command in _npm(place, bundle.wants) if bundle.source == "npm" else _pip(place, bundle.wants):
        _run(command)
    (place / ".ready").write_text(wanted)
    print(f"clients: {bundle.folder} took {time.monotonic() - begun:.0f} s to install", file=sys.stderr)


def _npm(place: Path, wants: Sequence[str]) -> list[list[str]]:
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    return [["npm", "install", "--prefix", str(place), *quiet, *wants]]


def _pip(place: Path, wants: Sequence[str]) -> list[list[str]]:
    """An environment of its own, never the project's: agents pin what they need."""
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", *wants]
    return [[sys.executable, "-m", "venv", str(place)], pip]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} was not found") from None
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"was not installed within {SECONDS:.0f} s") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"could not be installed: {lines[-1] if lines else done.returncode}")
