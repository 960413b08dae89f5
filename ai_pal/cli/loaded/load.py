"""`ai-pal load MODEL...`: load models ahead of their first request."""

import argparse
import sys
from typing import TYPE_CHECKING, Protocol

from ai_pal.cli.machines.on_machines import add_on, each, refuse_with
from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.prompts.values import duration, option
from ai_pal.cli.prompts.windowed import windowed
from ai_pal.cli.served import ANOTHER, served
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError

if TYPE_CHECKING:
    from ai_pal.client import Client
    from ai_pal.protocol.client import Loaded, Loading, Pulling

EXAMPLES = """examples:
  ai-pal load smollm2
  ai-pal load smollm2 phi-3               one after the other
  ai-pal load smollm2 --keep-alive -1     keep it until it is unloaded
  ai-pal load phi-3 --context 2048        with a window of 2048 tokens
  ai-pal load ~/models/qwen.gguf --keep-alive 1h
  ai-pal load qwen3 --on box              on another machine of yours; --all-machines: on all

A supervisor is started in the background if none runs. Ctrl-C leaves the load going on. Of several
models each is tried; the exit code is that of the first that failed.

"""


class Progress(Protocol):
    """Shows how far a load is."""

    def show(self, event: "Loading") -> None: ...

    def end(self) -> None: ...


class Lines:
    """A line for every tenth of the way, for logs and pipes."""

    def __init__(self) -> None:
        self._tenth, self._node = -1, ""

    def show(self, event: "Loading") -> None:
        tenth = int(10 * event.progress)
        if tenth > self._tenth or event.node != self._node:
            self._tenth, self._node = tenth, event.node
            what = f"sending {event.model} to {event.node}" if event.node else f"loading {event.model}"
            _say(f"{what}: {tenth * 10}%")

    def end(self) -> None:
        """Lines stay."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    models = parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="a known model, or the path of a GGUF file or a folder"
    )
    completes(models, "local")
    parser.add_argument(
        "--keep-alive", type=duration, metavar="TIME",
        help="keep it loaded this long after its last request: 10m, or never to unload it",
    )  # fmt: skip
    add_on(parser)
    parser.add_argument("--context", type=option("context"), metavar="N", help="with a window of N tokens")


def run(args: argparse.Namespace) -> int:
    settings, codes = load_settings().settings, [failures.OK]
    if args.on or args.all_machines:
        refuse_with({"--context": args.context})
        codes.append(each(args, settings, lambda name, client: _load_there(name, client, args, codes)))
    if not args.on:
        wanted = [windowed(absolute_model(model), args.context, settings) for model in args.models]
        served(settings, lambda client: _load_all(client, wanted, args.keep_alive, codes))
    return next(filter(None, codes), failures.OK)


def _load_all(client: "Client", wanted: list[str], keep_alive: float | None, codes: list[int]) -> None:
    """Load what is `wanted`, and take out of it what is done. Raises `AiPalError` where another supervisor
    has to go on."""
    while wanted:
        try:
            print(_ready_line(_load(client, wanted[0], keep_alive)), flush=True)
        except AiPalError as error:
            if error.code in ANOTHER:
                raise
            failures.report(error.failure)
            codes.append(failures.exit_code(error.code))
        del wanted[0]


def _load_there(name: str, client: "Client", args: argparse.Namespace, codes: list[int]) -> None:
    """The same on another machine, where names mean what they mean there."""
    for model in args.models:
        try:
            ready = _ready_line(_load(client, model, args.keep_alive))
            print(f"{neutral_line(name)}: {ready}", flush=True)
        except AiPalError as error:
            if error.code in ANOTHER:
                raise
            failures.report(error.failure)
            codes.append(failures.exit_code(error.code))


def _load(client: "Client", model: str, keep_alive: float | None) -> "Pulling | Loading | Loaded":
    """Load one and show how far it is. Returns `Loaded`, or raises `AiPalError`."""
    from ai_pal.protocol.client import Loading

    progress = _progress()
    try:
        for event in client.load(model, keep_alive):
            if isinstance(event, Loading):
                progress.show(event)
    finally:
        progress.end()
    return event


def _ready_line(event: "Pulling | Loading | Loaded") -> str:
    seconds = getattr(event, "seconds", 0.0)
    how = f"loaded in {seconds:.1f} s" if seconds else "it was loaded already"
    return f"{neutral_line(event.model)} is ready ({how})"


def _progress() -> Progress:
    terminal = Terminal.detect()
    if not terminal.rich_stderr:
        return Lines()
    from ai_pal.cli.terminal.waiting import Waiting

    return Waiting(terminal)


def _say(text: str) -> None:
    print(neutral_line(text), file=sys.stderr, flush=True)
