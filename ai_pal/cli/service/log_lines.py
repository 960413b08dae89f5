"""Log lines for people: JSON as `time level event key=value ...`, harmless to the terminal. No I/O."""

import os

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.logs.lines import parted

COLOURS = {"warning": "33", "error": "31", "critical": "31", "debug": "2"}


def readable(line: str, *, colour: bool = False) -> str:
    """One log line for people; what is not JSON stays as it is, but harmless."""
    found = parted(line)
    if not (found.at or found.level or found.fields):
        return neutral_line(found.event)
    head = f"{found.at} {found.level:8} {found.event}"
    text = neutral_line("  ".join([head, *(f"{name}={value}" for name, value in found.fields.items())]))
    code = COLOURS.get(found.level)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and "NO_COLOR" not in os.environ else text
