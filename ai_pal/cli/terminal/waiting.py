"""What is shown on stderr until the answer begins: the place in the queue, how far load and prompt are."""

import sys

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.region import Region
from ai_pal.cli.terminal.streams import size
from ai_pal.conversations.model import short_name
from ai_pal.protocol.client import AnyEvent, Loading, Queued, Reading

_BAR_COLUMNS = 30


class Waiting:
    """One line that is drawn again and vanishes when the answer begins. Silent unless `visible`."""

    def __init__(self, *, visible: bool) -> None:
        self._visible = visible
        self._region: Region | None = None

    def show(self, event: AnyEvent) -> None:
        """Show a `Queued`, `Loading` or `Reading`; every other event but `Accepted` ends the waiting."""
        match event:
            case Queued():
                self.line(queued_line(event.position))
            case Loading() if event.reason:
                self.line(f"{neutral_line(short_name(event.model))}  waiting: {neutral_line(event.reason)}")
            case Loading():
                self.line(f"{neutral_line(short_name(event.model))}  {bar(event.progress)}  loading")

            case Reading():
                share = event.done / event.total if event.total else 1.0
                self.line(f"{neutral_line(short_name(event.model))}  {bar(share)}  reading the prompt")

    def line(self, text: str) -> None:
        """Draw this one line."""
        if not self._visible:
            return
        if self._region is None:
            self._region = Region(sys.stderr, lambda: size(sys.stderr))
        self._region.draw([clipped(text, size(sys.stderr).columns - 1)])

    def end(self) -> None:
        """Take the line away."""
        if self._region is not None:
            self._region.close()
            self._region = None


def queued_line(position: int) -> str:
    """The place in the queue, for people."""
    return "waiting: next in the queue" if position <= 1 else f"waiting: {position - 1} before you"


def bar(fraction: float) -> str:
    """A progress bar with its percentage."""
    fraction = min(max(fraction, 0.0), 1.0)
    full = round(fraction * _BAR_COLUMNS)
    return f"{'━' * full}{'╌' * (_BAR_COLUMNS - full)} {fraction:4.0%}"


def clipped(text: str, columns: int) -> str:
    """`text` cut to `columns` characters, and told so."""
    return text if len(text) <= columns else text[: max(columns - 1, 0)] + "…"
