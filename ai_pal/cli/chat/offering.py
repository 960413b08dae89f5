"""The one offer to somebody new: where only the starter is here, the best model for this machine. Enter is
no, and the answer is remembered."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_pal.cli.terminal.downloads import sized
from ai_pal.cli.terminal.neutral import neutral
from ai_pal.cli.terminal.streams import Terminal, say

if TYPE_CHECKING:
    from ai_pal.catalog.best import Best
    from ai_pal.config import Settings

_YES = ("y", "yes")


def wanted(settings: "Settings", terminal: Terminal, environ: Mapping[str, str] = os.environ) -> str:
    """The model that is to be fetched while the starter answers, "" for none: what was agreed to now, or once
    and is not here yet. Nothing is asked without a terminal, where nothing may leave, or with a model of the
    user's choice."""
    from ai_pal.catalog import default_model
    from ai_pal.catalog.default import STARTER
    from ai_pal.config.offers import read_offer

    if not (terminal.stdin and terminal.stderr) or environ.get("HF_HUB_OFFLINE") or settings.private():
        return ""
    if settings.model or default_model(settings) != STARTER:
        return ""
    said = read_offer(environ)
    if said is not None:
        return said.model if said.agreed else ""
    return _offered(settings, terminal, environ)


def question(best: "Best", starter: str, disk: int) -> str:
    """What the user should know before the answer."""
    size, memory = sized(best.variant.size), sized(best.variant.memory)
    return (
        f"{starter} answers at once, but it is small and often wrong.\n"
        f"The best model for this machine is {best.entry.name}:\n"
        f"  {best.entry.about}; licence {best.entry.licence}\n"
        f"  {size} to download ({sized(disk)} free on the disk), about {memory} of memory\n"
        f"  about {best.speed:.0f} tokens a second\n"
        f"  {best.reason}"
    )


def _offered(settings: "Settings", terminal: Terminal, environ: Mapping[str, str]) -> str:
    from ai_pal.catalog.best import best, ladder
    from ai_pal.catalog.default import STARTER
    from ai_pal.catalog.this_host import this_host
    from ai_pal.config.offers import Offer, remember_offer

    host = this_host(settings)
    found = best(ladder(), host)
    if found is None:
        return ""
    say(neutral(question(found, STARTER, host.disk)), sys.stderr, dim=False)
    agreed = _ask(STARTER)
    if agreed is None:
        return ""
    name = found.entry.name
    try:
        remember_offer(Offer(name, agreed), environ)
    except OSError as error:
        print(f"that could not be remembered: {error}", file=sys.stderr)
    if not agreed:
        say(f"later: ai-pal pull {name}; others: ai-pal list --all", sys.stderr, dim=terminal.rich_stderr)
    return name if agreed else ""


def _ask(starter: str) -> bool | None:
    """None when the user left without an answer."""
    print(f"fetch it now, while {starter} goes on? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return input().strip().lower() in _YES
    except EOFError:
        print(file=sys.stderr)
        return None
