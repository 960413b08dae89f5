"""`ai-pal calibrate [MODEL...]`: measure whether models of this machine doubt what they get wrong."""

import argparse
import shlex
from typing import TYPE_CHECKING

from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.served import served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal, remark
from ai_pal.config import load_settings

if TYPE_CHECKING:
    from ai_pal.client import Client
    from ai_pal.protocol.client import Calibrated

EXAMPLES = """examples:
  ai-pal calibrate phi-3
  ai-pal calibrate phi-2 phi-3      one after the other

Without a name it is the usual model. It is asked 150 questions whose answers are known; that takes minutes,
and it goes on answering others meanwhile. Ctrl-C keeps what was answered: the next time goes on there. Only
numbers are kept, for this model file. `ai-pal route` tells what they say of a prompt.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    models = parser.add_argument("models", nargs="*", metavar="MODEL", help="a model of this machine")
    completes(models, "local")


def run(args: argparse.Namespace) -> int:
    wanted = [absolute_model(model) for model in args.models] or [""]
    try:
        served(load_settings().settings, lambda client: _calibrate(client, wanted))
    except KeyboardInterrupt:
        again = shlex.join(["ai-pal", "calibrate", *filter(None, wanted)])
        remark(f"what was answered is kept: {again} goes on")
        raise
    return failures.OK


def _calibrate(client: "Client", wanted: list[str]) -> None:
    """Take out of `wanted` what is done: another supervisor may have to go on."""
    while wanted:
        print(_line(_followed(client, wanted[0])), flush=True)
        del wanted[0]


def _followed(client: "Client", model: str) -> "Calibrated":
    """Show how far it is. Raises `AiPalError`."""
    from ai_pal.cli.terminal.waiting import Waiting, bar
    from ai_pal.protocol.client import Calibrated, Calibrating

    waiting = Waiting(Terminal.detect())
    try:
        for event in client.calibrate(model):
            if isinstance(event, Calibrated):
                break
            if isinstance(event, Calibrating):
                waiting.line(
                    f"{neutral_line(event.model)}  {bar(event.done / event.total)}  answering questions"
                )
            else:
                waiting.show(event)
    finally:
        waiting.end()
    assert isinstance(event, Calibrated)
    return event


def _line(found: "Calibrated") -> str:
    said = "its doubts count from now on" if found.can_doubt else "it cannot doubt: its doubts stay unheard"
    figures = f"area {found.area:.2f}, {found.right} of {found.questions} right"
    return f"{neutral_line(found.model)}: {said} ({figures})"
