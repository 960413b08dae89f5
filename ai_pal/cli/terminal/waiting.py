"""What is shown on stderr until the answer begins: the place in the queue, how far load and prompt are."""

import sys
import time
from collections.abc import Callable

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.region import Region
from ai_pal.cli.terminal.streams import Terminal, size
from ai_pal.conversations.model import short_name
from ai_pal.protocol.client import AnyEvent, Loading, Queued, Reading

_BAR_COLUMNS = 30
PAUSE = 0.1
"""Seconds between two drawings of what changes all the time."""
FIRST_SECONDS, NEXT_SECONDS = 1.0, 10.0
"""Of waiting, before a terminal that cannot draw gets a first line, and between two lines."""


class Waiting:
    """One line that is drawn again and vanishes when the answer begins. A terminal that cannot draw gets a
    line now and then, what is none gets nothing."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> None:
        self._visible, self._draws, self._clock = terminal.stderr, terminal.rich_stderr, clock
        self._region: Region | None = None
        self._next: float | None = None
        self._drawn = -PAUSE

    def show(self, event: AnyEvent) -> None:
        """Show a `Queued`, `Loading` or `Reading`; every other event but `Accepted` ends the waiting."""
        match event:
            case Queued():
                self.line(queued_line(event.position))
            case Loading() if event.reason:
                self.line(f"{neutral_line(short_name(event.model))}  waiting: {neutral_line(event.reason)}")
            case Loading():
                what = f"coming to {neutral_line(event.node)}" if event.node else "loading"
                self.line(f"{neutral_line(short_name(event.model))}  {bar(event.progress)}  {what}")
            case Reading():
                share = event.done / event.total if event.total else 1.0
                self.line(f"{neutral_line(short_name(event.model))}  {bar(share)}  reading the prompt")

    def line(self, text: str) -> None:
        """Draw this one line."""
        if not self._visible:
            return
        if not self._draws:
            self._print(text)
            return
        if self._region is None:
            self._region = Region(sys.stderr, lambda: size(sys.stderr))
        self._region.draw([clipped(text, size(sys.stderr).columns - 1)])

    def now_and_then(self, text: str) -> None:
        """Draw what changes many times a second, and not each time."""
        if (now := self._clock()) >= self._drawn + PAUSE:
            self._drawn = now
            self.line(text)

    def _print(self, text: str) -> None:
        now = self._clock()
        if self._next is None:
            self._next = now + FIRST_SECONDS
        elif now >= self._next:
            self._next = now + NEXT_SECONDS
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        self._next = None
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
