"""Edit a text in the user's own editor."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

_LAST_RESORT = "vi"


def edit(text: str, *, name: str = "prompt.md") -> str | None:
    """`text` as the user left it in $VISUAL or $EDITOR; None when the editor failed.

    Raises OSError when the editor cannot be started, ValueError when its setting cannot be read, or none is
    set and there is no terminal to edit in.
    """
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not chosen and not (sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"):
        raise ValueError(f"there is no terminal for {_LAST_RESORT}")
    command = shlex.split(chosen or _LAST_RESORT)
    with tempfile.TemporaryDirectory(prefix="ai-pal-") as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        # No deadline: the user sits in it.
        status = subprocess.run([*command, str(file)], check=False)
        return file.read_text(encoding="utf-8", errors="replace") if status.returncode == 0 else None
