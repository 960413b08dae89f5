"""Lines of ours on a terminal end at words; what is no terminal gets them whole."""

import os
from typing import TextIO

_NARROWEST = 20
_INDENT = "  "


def wrapped(text: str, stream: TextIO) -> str:
    """`text` with each line that is too long for the terminal behind `stream` continued on the next one.
    Words are never cut: they may be paths or commands to copy."""
    columns = _columns(stream)
    if all(len(line) <= columns for line in text.split("\n")):
        return text
    import textwrap  # most lines fit

    lines = []
    for line in text.split("\n"):
        blanks = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line,
            columns,
            subsequent_indent=blanks + _INDENT,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        ) or [""]
    return "\n".join(lines)


def _columns(stream: TextIO) -> int:
    """One less than there are: a full line leaves the cursor in the margin. Without a terminal, very many."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 1 << 30
    return max(columns - 1, _NARROWEST) if columns else 1 << 30
