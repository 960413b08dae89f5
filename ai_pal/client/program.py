"""What this program is called, for those who look on."""

import sys
from collections.abc import Sequence
from pathlib import Path


def program(argv: Sequence[str] | None = None) -> str:
    """`ai-pal chat`, `report.py`, `gateway`: never an argument that could be a prompt."""
    argv = sys.argv if argv is None else argv
    path = Path(argv[0] if argv else "")
    name = path.parent.name.replace("_", "-") if path.name == "__main__.py" else path.name
    if name == "ai-pal" and len(argv) > 1 and argv[1].isalpha():
        return f"{name} {argv[1]}"  # the first word is a command, or it would have been refused
    return "python" if name in ("", "-c", "-") else name
