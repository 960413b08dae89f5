"""The question before something is gone for good. Where nobody can be asked it takes `--yes`."""

import argparse
import sys

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import YES, typed
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.errors import Code, fail


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option that answers the question beforehand."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def agreed(what: str, *, yes: bool) -> bool:
    """Whether `what` ("remove phi-2 (1.6 GB)") is to be done: Enter, and the end of input, are no.

    Raises `AiPalError` (`bad_request`) without a terminal and without `--yes`."""
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        fail(Code.BAD_REQUEST, f"nobody is here to be asked: {what}?", "say --yes")
    print(wrapped(neutral_line(f"{what}? [y/N]"), sys.stderr), end=" ", file=sys.stderr, flush=True)
    return typed() in YES
