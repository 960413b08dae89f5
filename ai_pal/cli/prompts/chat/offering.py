"""The one offer to somebody new: where only the starter is here, the best model for this machine. Enter is
no, and the answer is remembered."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ai_pal.cli.terminal.downloads import sized
from ai_pal.cli.terminal.neutral import neutral
from ai_pal.cli.terminal.streams import YES, Terminal, say, typed
from ai_pal.config.egress_environment import is_offline

if TYPE_CHECKING:
    from ai_pal.catalog.choosing.best import Best
    from ai_pal.config import Settings


class Better(NamedTuple):
    """A model that is to be fetched while the starter answers; `now`: the yes has just been given."""

    model: str
    now: bool = True


def wanted(
    settings: "Settings", terminal: Terminal, environ: Mapping[str, str] = os.environ
) -> Better | None:
    """What was agreed to now, or once and is not here yet; None for nothing. Nothing is asked without a
    terminal, where nothing may leave, or with a model of the user's choice."""
    from ai_pal.catalog import default_model
    from ai_pal.catalog.references.default import starter
    from ai_pal.config.offers import read_offer

    if not (terminal.stdin and terminal.stderr) or is_offline(environ) or settings.among_mine():
        return None
    if settings.model or default_model(settings) != starter(settings):
        return None
    said = read_offer(environ)
    if said is not None:
        return Better(said.model, now=False) if said.agreed else None
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


def _offered(settings: "Settings", terminal: Terminal, environ: Mapping[str, str]) -> Better | None:
    from ai_pal.catalog.choosing.best import best, ladder
    from ai_pal.catalog.choosing.this_host import this_host
    from ai_pal.catalog.references.default import starter
    from ai_pal.config.offers import Offer, remember_offer

    host = this_host(settings)
    found = best(ladder(), host)
    if found is None:
        return None
    answers = starter(settings)
    say(neutral(question(found, answers, host.disk)), sys.stderr, dim=False)
    agreed = _ask(answers)
    if agreed is None:
        return None
    name = found.entry.name
    try:
        remember_offer(Offer(name, agreed), environ)
    except OSError as error:
        print(f"that could not be remembered: {error}", file=sys.stderr)
    if not agreed:
        say(f"later: ai-pal pull {name}; others: ai-pal list --all", sys.stderr, dim=terminal.rich_stderr)
    return Better(name) if agreed else None


def _ask(starter: str) -> bool | None:
    """None when the user left without an answer."""
    print(f"fetch it now, while {starter} goes on? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = typed()
    return None if answer is None else answer in YES
