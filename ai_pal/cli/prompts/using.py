"""A model of this machine, used by a command for something else than a chat: its options, and who does it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.prompts.values import deadline, duration
from ai_pal.cli.served import served
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.signs import Signs
from ai_pal.cli.terminal.streams import Terminal, say
from ai_pal.config import load_settings
from ai_pal.config.settings import UNASKED_BYTES
from ai_pal.conversations.model import short_name
from ai_pal.counted import counted

if TYPE_CHECKING:
    from ai_pal.client import Client

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 512
"""Texts between two signs of life."""


def add_using(parser: argparse.ArgumentParser, about: str) -> None:
    """Give `parser` the options that `using` reads."""
    model = parser.add_argument("-m", "--model", default="", metavar="MODEL", help=about)
    completes(model, "local")
    parser.add_argument("--deadline", type=deadline, metavar="TIME", help="give up after this long")
    parser.add_argument(
        "--keep-alive", type=duration, metavar="TIME", help="keep the model loaded this long afterwards"
    )
    parser.add_argument(
        "--pull", action="store_true", help="download the model if it is not here, of whatever size"
    )


def using(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of the client's calls."""
    return {
        "model": absolute_model(args.model),
        "deadline": args.deadline,
        "keep_alive": args.keep_alive,
        "pull": True,
        "pull_limit": 0 if args.pull or load_settings().settings.auto_pull else UNASKED_BYTES,
    }


def in_batches(texts: Sequence[T], what: str, ask: Callable[["Client", Sequence[T]], R]) -> list[R]:
    """What a supervisor says to these texts, some after the other; how far that is stands on stderr."""
    signs = Signs(Terminal.detect())
    found: list[R] = []

    def all_of(client: "Client") -> None:
        client.meanwhile = signs.show
        while (done := len(found) * AT_ONCE) < len(texts):
            signs.waiting.line(f"{what}  {done:,} of {len(texts):,}")
            found.append(ask(client, texts[done : done + AT_ONCE]))

    try:
        served(load_settings().settings, all_of)
    finally:
        signs.end()
    return found


def tell_who(model: str, tokens: int = 0) -> None:
    """Who did it, in the dim line that a chat ends with; on a terminal only, `--json` tells it elsewhere."""
    terminal = Terminal.detect()
    if terminal.stderr:
        parts = [short_name(model), "this machine", *([counted(tokens, "token")] if tokens else [])]
        say(neutral_line(" · ".join(parts)), sys.stderr, dim=terminal.rich_stderr)
