"""What was entered at the prompt: a command, or text for the model. No I/O."""

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

FENCE = '"""'
_SAME = {"quit": "exit", "bye": "exit", "new": "clear", "usage": "stats"}
"""What other programs call a command."""

_COMMAND = re.compile(r"/([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)


class Command(NamedTuple):
    """`/name argument`."""

    name: str
    argument: str


def parse(entry: str) -> Command | str:
    """A command, or the prompt without the block quotes around it. `/etc/passwd` is no command."""
    if match := _COMMAND.fullmatch(entry.strip()):
        return Command(match[1].lower(), (match[2] or "").strip())
    text = entry.strip()
    if text.startswith(FENCE) and not is_open_block(text):
        text = text.removeprefix(FENCE).removesuffix(FENCE).strip("\n")
    return text


def is_open_block(text: str) -> bool:
    """Whether a block begun with three quotes still waits for its end."""
    text = text.strip()
    return text.startswith(FENCE) and (len(text) < 2 * len(FENCE) or not text.endswith(FENCE))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known command that was probably meant; empty when none is near."""
    names = list(known)
    if (same := _SAME.get(name)) in names:
        return same
    starting = [other for other in names if name and other.startswith(name)]
    return next(iter(starting or difflib.get_close_matches(name, names, n=1, cutoff=0.7)), "")
