"""The log of the supervisor, as the page shows it."""

from pathlib import Path
from typing import Any

from ai_pal.conversations.neutral import neutral_line
from ai_pal.logs.files import SUPERVISOR, generations, last_lines
from ai_pal.logs.lines import parted

LINES = 300


def logged(folder: Path) -> dict[str, Any]:
    """The last lines of the log in this folder, oldest first."""
    file = folder / SUPERVISOR
    return {"file": str(file), "lines": [_told(line) for line in last_lines(generations(file), LINES)]}


def _told(line: str) -> dict[str, str]:
    found = parted(line)
    fields = "  ".join(f"{name}={value}" for name, value in found.fields.items())
    return {
        "at": found.at,
        "level": found.level,
        "event": neutral_line(found.event),
        "fields": neutral_line(fields),
    }
