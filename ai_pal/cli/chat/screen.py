"""The events of one answer on a screen: waiting on stderr, text on stdout, remarks in between."""

import sys

from ai_pal.cli.chat.answer import ShownAnswer
from ai_pal.cli.chat.figures import summary
from ai_pal.cli.chat.thoughts import Thoughts
from ai_pal.cli.chat.writers import Writer, writer_for
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.signs import Signs
from ai_pal.cli.terminal.streams import Terminal, say
from ai_pal.conversations.model import shown_call
from ai_pal.counted import counted
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


class AnswerScreen:
    """Shows one answer. Made before the request is sent, it imports rich only while it waits."""

    def __init__(self, terminal: Terminal, *, markdown: bool, hide_thinking: bool = False) -> None:
        self._terminal = terminal
        self._signs = Signs(terminal)
        self._waiting = self._signs.waiting
        self._thoughts = Thoughts(terminal, self._waiting, hidden=hide_thinking)
        self._called = 0
        self._markdown = markdown and terminal.rich_stdout
        self._writer: Writer | None = None
        self._late: list[Notice] = []
        self._begun = False

    def show(self, event: AnyEvent) -> None:
        """Show the next event. Raises BrokenPipeError when stdout has no reader."""
        match event:
            case Delta():
                self._delta(event)
            case Pulling() | Queued() | Loading() | Reading():
                self._signs.show(event)
            case Notice() if self._begun:
                self._late.append(event)
            case Notice():
                self._end_waiting()
                self._remark(event.reason)
            case Started() if event.remote:
                self._end_waiting()
                who = f"{event.provider}:{event.model} answers: the prompt has left this machine"
                self._remark(f"↗ {who}" if event.tier > 1 else who)
            case Accepted():
                _ = self.writer  # loads what the text will need, while the model computes
            case Done() | Failed() | Interrupted() | Cancelled():
                self._end_waiting()

    def _delta(self, delta: Delta) -> None:
        if delta.kind == "text":
            self._end_waiting()
            self._begun = True
            self.writer.write(delta.text)
        elif self._begun:
            return  # it would stand in the midst of the text
        elif delta.kind == "reasoning":
            self._thoughts.show(delta.text, delta.n)
        else:
            self._thoughts.fold()
            self._called += delta.n
            self._waiting.line(f"a tool is called  {counted(self._called, 'token')}")

    def _end_waiting(self) -> None:
        self._thoughts.fold()
        self._waiting.end()

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            self._writer = writer_for(terminal=self._terminal.stdout, markdown=self._markdown)
        return self._writer

    def close(self) -> None:
        """The answer is over, in whatever way: leave the terminal in order."""
        self._end_waiting()
        if self._writer is not None:
            self._writer.finish()
        for notice in self._late:
            self._remark(notice.reason)
        self._late.clear()

    def figures(self, answer: ShownAnswer, note: str = "") -> None:
        """The tools that are to be run, a line each, and the dim line, for people at a terminal only; with a
        `note` at its end. Raises BrokenPipeError."""
        for call in answer.parts.tool_calls:
            line = shown_call(call)
            print(neutral_line(line) if self._terminal.stdout else line, flush=True)
        line = " · ".join(filter(None, (summary(answer), note)))
        if line and self._terminal.stderr:
            say(line, sys.stderr, dim=not self._terminal.dumb)

    def _remark(self, text: str) -> None:
        say(neutral_line(text), sys.stderr, dim=self._terminal.rich_stderr)
