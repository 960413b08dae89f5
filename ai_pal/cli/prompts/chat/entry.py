"""What was entered at the prompt: a command, or text for the model. No I/O."""

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

PROMPT = "> "
CONTINUATION = "… "

FENCE = '"""'
_SAME = {"quit": "exit", "bye": "exit", "q": "exit", "new": "clear", "usage": "stats", "regenerate": "retry"}
"""What other programs call a command."""

_LEAVING = frozenset({"exit", "quit"})
"""What people type to leave, of whom nobody means it for the model."""

_COMMAND = re.compile(r"/([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)


class Command(NamedTuple):
    """`/name argument`."""

    name: str
    argument: str


def parse(entry: str) -> Command | str:
    """A command, or the prompt without the block quotes around it. `/etc/passwd` is no command; `exit` and
    `quit` are, when nothing else stands there."""
    if entry.strip() == "/?":
        return Command("help", "")
    if match := _COMMAND.fullmatch(entry.strip()):
        name = match[1].lower()
        return Command(_SAME.get(name, name), (match[2] or "").strip())
    text = entry.strip()
    if text.lower() in _LEAVING:
        return Command("exit", "")
    if text.startswith(FENCE) and not is_open_block(text):
        text = text.removeprefix(FENCE).removesuffix(FENCE).strip("\n")
    return text


def shown_prompt(text: str) -> str:
    """A prompt as it looks on the screen when it is typed."""
    return PROMPT + text.replace("\n", f"\n{CONTINUATION}")


def is_open_block(text: str) -> bool:
    """Whether a block begun with three quotes still waits for its end."""
    text = text.strip()
    return text.startswith(FENCE) and (len(text) < 2 * len(FENCE) or not text.endswith(FENCE))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known command that was probably meant; empty when none is near."""
    names = list(known)
    starting = [other for other in names if name and other.startswith(name)]
    return next(iter(starting or difflib.get_close_matches(name, names, n=1, cutoff=0.7)), "")
