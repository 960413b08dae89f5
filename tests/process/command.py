"""`ai-pal` as people start it: a command of its own, and what it said until it ended."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.process.homes import Environ

SECONDS = 240.0
"""This only ends what hangs."""


def ai_pal(
    environ: Environ,
    *words: str,
    stdin: str = "",
    cwd: Path | None = None,
    before: Callable[[], None] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Start it without a terminal, and wait for it. `before` is called in its process."""
    return _ended(*words, env=environ, input=stdin, cwd=cwd, preexec_fn=before, text=True)


def ai_pal_bytes(
    environ: Environ, *words: str, stdin: bytes = b"", cwd: Path | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """The same, and what it said to the byte."""
    return _ended(*words, env=environ, input=stdin, cwd=cwd)


def _ended(*words: str, **how: Any) -> "subprocess.CompletedProcess[Any]":
    command = [sys.executable, "-P", "-m", "ai_pal", *words]
    return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, **how)
