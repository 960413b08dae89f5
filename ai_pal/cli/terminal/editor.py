"""Edit a text in the user's own editor."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_LAST_RESORTS = "vi"


def edit(text: str, environ: Mapping[str, str] = os.environ, *, name: str = "prompt.md") -> str | None:
    """`text` as the user left it in $VISUAL or $EDITOR; None when the editor failed.

    Raises OSError when the editor cannot be started, ValueError when its setting cannot be read.
    """
    command = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or _LAST_RESORTS)
    with tempfile.TemporaryDirectory(prefix="ai-pal-") as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        # No deadline: the user sits in it.
        status = subprocess.run([*command, str(file)], check=False)
        return file.read_text(encoding="utf-8", errors="replace") if status.returncode == 0 else None
