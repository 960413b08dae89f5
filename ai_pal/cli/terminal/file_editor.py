"""A file of the user's in their own editor, taken when it is right: mistakes can be mended, or dropped."""

import sys
from collections.abc import Callable
from enum import Enum

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.editor import edit
from ai_pal.cli.terminal.streams import typed
from ai_pal.errors import AiPalError, Code, fail


class End(Enum):
    """What the user did."""

    TAKEN = "taken"
    SAME = "same"
    DROPPED = "dropped"


def edited(text: str, name: str, check: Callable[[str], None], take: Callable[[str], None]) -> End:
    """Let the user edit `text`, which the editor sees as a file called `name`. `check` raises `AiPalError`
    for what cannot be taken: then they may go on editing, or go back to what there was.

    Raises `AiPalError`: `bad_request` (no editor, or it failed), or that of `check` without a terminal."""
    draft = text
    while True:
        draft = _left_by_editor(draft, name)
        if draft == text:
            return End.SAME
        try:
            check(draft)
        except AiPalError as error:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                raise
            failures.report(error.failure)
            if not _goes_on():
                return End.DROPPED
        else:
            take(draft)
            return End.TAKEN


def _left_by_editor(text: str, name: str) -> str:
    try:
        left = edit(text, name=name)
    except (OSError, ValueError) as error:
        fail(Code.BAD_REQUEST, f"the editor cannot be started: {error}", "set VISUAL or EDITOR to one")
    if left is None:
        fail(Code.BAD_REQUEST, "the editor failed: nothing is changed", "set VISUAL or EDITOR to another")
    return left


def _goes_on() -> bool:
    print("edit it again? n drops these changes [Y/n] ", end="", file=sys.stderr, flush=True)
    return typed() not in ("n", "no", None)
