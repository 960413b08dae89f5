"""The events of one answer on a screen: waiting on stderr, text on stdout, remarks in between."""

import sys
from typing import TYPE_CHECKING

from ai_pal.cli.chat.answer import ShownAnswer
from ai_pal.cli.chat.figures import summary
from ai_pal.cli.chat.writers import Writer, writer_for
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal, say
from ai_pal.cli.terminal.waiting import Waiting
from ai_pal.protocol.client import (
    Accepted,
    AnyEvent,
    Cancelled,
    Delta,
    Done,
    Failed,
    Interrupted,
    Loading,
    Notice,
    Pulling,
    Queued,
    Reading,
    Started,
)

if TYPE_CHECKING:
    from ai_pal.cli.terminal.downloads import Lines


class AnswerScreen:
    """Shows one answer. Made before the request is sent, it imports rich only while it waits."""

    def __init__(self, terminal: Terminal, *, markdown: bool) -> None:
        self._terminal = terminal
        self._waiting = Waiting(visible=terminal.rich_stderr)
        self._markdown = markdown and terminal.rich_stdout
        self._writer: Writer | None = None
        self._late: list[Notice] = []
        self._begun = False
        self._lines: Lines | None = None

    def show(self, event: AnyEvent) -> None:
        """Show the next event. Raises BrokenPipeError when stdout has no reader."""
        match event:
            case Delta():
                self._waiting.end()
                self._begun = True
                self.writer.write(event.text)
            case Pulling():
                self._pulling(event)
            case Queued() | Loading() | Reading():
                self._waiting.show(event)
            case Notice() if self._begun:
                self._late.append(event)
            case Notice():
                self._waiting.end()
                self._remark(event.reason)
            case Started() if event.remote:
                self._waiting.end()
                who = f"{event.provider}:{event.model} answers: the prompt has left this machine"
                self._remark(f"↗ {who}" if event.tier > 1 else who)
            case Accepted():
                _ = self.writer  # loads what the text will need, while the model computes
            case Done() | Failed() | Interrupted() | Cancelled():
                self._waiting.end()

    def _pulling(self, event: Pulling) -> None:
        from ai_pal.cli.terminal.downloads import Lines, progress_line

        if self._terminal.rich_stderr:
            self._waiting.line(progress_line(event))
            return
        self._lines = self._lines or Lines()
        self._lines.show(event)

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            self._writer = writer_for(terminal=self._terminal.stdout, markdown=self._markdown)
        return self._writer

    def close(self) -> None:
        """The answer is over, in whatever way: leave the terminal in order."""
        self._waiting.end()
        if self._writer is not None:
            self._writer.finish()
        for notice in self._late:
            self._remark(notice.reason)
        self._late.clear()

    def figures(self, answer: ShownAnswer, note: str = "") -> None:
        """The dim line, for people at a terminal only; with a `note` at its end."""
        line = " · ".join(filter(None, (summary(answer), note)))
        if line and self._terminal.stderr:
            say(line, sys.stderr, dim=not self._terminal.dumb)

    def _remark(self, text: str) -> None:
        say(neutral_line(text), sys.stderr, dim=self._terminal.rich_stderr)
