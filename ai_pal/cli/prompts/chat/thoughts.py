"""What a model thinks before it answers: dim on the terminal while it comes, one line once it is over."""

import sys
import time
from collections.abc import Callable

from ai_pal.cli.prompts.chat.figures import seconds
from ai_pal.cli.terminal.neutral import neutral
from ai_pal.cli.terminal.region import Region
from ai_pal.cli.terminal.streams import Terminal, say, size
from ai_pal.cli.terminal.waiting import Waiting
from ai_pal.counted import counted

LINES = 8
"""Of thoughts on the screen: the latest ones."""
_PAUSE = 0.1
"""Seconds between two drawings."""


class Thoughts:
    """Shows on stderr what is thought, so that stdout holds the answer only. In full where both are a
    terminal and it is not `hidden`; else how far it is, on the line for `waiting`."""

    def __init__(
        self,
        terminal: Terminal,
        waiting: Waiting,
        *,
        hidden: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal, self._waiting, self._clock = terminal, waiting, clock
        self._in_full = terminal.rich_stdout and terminal.rich_stderr and not hidden
        self._region: Region | None = None
        self._drawn = -_PAUSE
        self._begin()

    def _begin(self) -> None:
        self._began: float | None = None
        self._tokens = 0
        self._tail = ""

    def show(self, text: str, tokens: int) -> None:
        """The next piece."""
        now = self._clock()
        if self._began is None:
            self._began = now
            self._waiting.end()
        self._tokens += tokens
        columns, rows = size(sys.stderr)
        self._tail = (self._tail + text)[-LINES * columns * 2 :]
        if now < self._drawn + _PAUSE:
            return
        self._drawn = now
        if not self._in_full:
            self._waiting.line(f"thinking  {counted(self._tokens, 'token')}")
            return
        if self._region is None:
            self._region = Region(sys.stderr, lambda: size(sys.stderr))
        lines = self._lines(columns - 1)[-max(1, min(LINES, rows - 2)) :]
        self._region.draw([f"\x1b[2m{line}\x1b[0m" for line in lines])

    def _lines(self, columns: int) -> list[str]:
        from rich.console import Console
        from rich.text import Text

        console = Console(file=sys.stderr, width=columns, markup=False, highlight=False)
        rows = Text(neutral(self._tail).strip("\n")).wrap(console, columns)
        return [row.plain.rstrip() for row in rows]

    def fold(self) -> None:
        """It is over, for now: leave one line of it."""
        if self._began is None:
            return
        if self._region is not None:
            self._region.close()
            self._region = None
        self._waiting.end()
        line = f"thought for {seconds(self._clock() - self._began)}, {counted(self._tokens, 'token')}"
        self._begin()
        if self._terminal.stderr:
            say(line, sys.stderr, dim=self._terminal.rich_stderr)
