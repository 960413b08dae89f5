"""`ai-pal load MODEL`: load a model ahead of its first request."""

import argparse
import sys
from typing import TYPE_CHECKING, Protocol

from ai_pal.cli import failures
from ai_pal.cli.chatting.arguments import absolute_model, duration
from ai_pal.cli.neutral import neutral_line
from ai_pal.config import load_settings

if TYPE_CHECKING:
    from ai_pal.messages.client import Loaded, Loading, Pulling

EXAMPLES = """examples:
  ai-pal load smollm2
  ai-pal load smollm2 --keep-alive -1     keep it until it is unloaded
  ai-pal load ~/models/qwen.gguf --keep-alive 1h

A supervisor is started in the background if none runs. Ctrl-C leaves the load going on.

"""


class Progress(Protocol):
    """Shows how far a load is."""

    def show(self, event: "Loading") -> None: ...

    def end(self) -> None: ...


class Lines:
    """A line for every tenth of the way, for logs and pipes."""

    def __init__(self) -> None:
        self._tenth = -1

    def show(self, event: "Loading") -> None:
        tenth = int(10 * event.progress)
        if tenth > self._tenth:
            self._tenth = tenth
            _say(f"loading {event.model}: {tenth * 10}%")

    def end(self) -> None:
        """Lines stay."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("model", metavar="MODEL", help="a known model, or the path of a GGUF file")
    parser.add_argument(
        "--keep-alive", type=duration, metavar="TIME",
        help="keep it loaded this long after its last request: 10m, or never to unload it",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from ai_pal.client.daemon import connect
    from ai_pal.messages.client import Loading

    with connect(load_settings().settings, notify=_say) as client:
        progress = _progress()
        try:
            for event in client.load(absolute_model(args.model), args.keep_alive):
                if isinstance(event, Loading):
                    progress.show(event)
        finally:
            progress.end()
    print(_ready_line(event))  # the iteration ends with `Loaded`, or by an exception
    return 0


def _ready_line(event: "Pulling | Loading | Loaded") -> str:
    seconds = getattr(event, "seconds", 0.0)
    how = f"loaded in {seconds:.1f} s" if seconds else "it was loaded already"
    return f"{neutral_line(event.model)} is ready ({how})"


def _progress() -> Progress:
    if not sys.stderr.isatty():
        return Lines()
    from ai_pal.cli.chatting.waiting import Waiting

    return Waiting(visible=True)


def _say(text: str) -> None:
    print(neutral_line(text), file=sys.stderr, flush=True)
