"""The events of one answer on a screen: waiting on stderr, text on stdout, remarks in between."""

import sys

from ai_pal.cli.prompts.chat.answer import ShownAnswer
from ai_pal.cli.prompts.chat.figures import summary
from ai_pal.cli.prompts.chat.thoughts import Thoughts
from ai_pal.cli.prompts.chat.writers import Writer, writer_for
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.signs import Signs
from ai_pal.cli.terminal.streams import Terminal, say
from ai_pal.conversations.model import shown_call
from ai_pal.conversations.receipts import MACHINE_TIER
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

COULD = "could be asked"


class AnswerScreen:
    """Shows one answer. Made before the request is sent, it imports rich only while it waits. `unsure` goes
    behind a line that says who could be asked instead."""

    def __init__(
        self, terminal: Terminal, *, markdown: bool, hide_thinking: bool = False, unsure: str = ""
    ) -> None:
        self._terminal = terminal
        self._signs = Signs(terminal)
        self._waiting = self._signs.waiting
        self._thoughts = Thoughts(terminal, self._waiting, hidden=hide_thinking)
        self._called = 0
        self._markdown = markdown and terminal.rich_stdout
        self._writer: Writer | None = None
        self._late: list[str] = []
        self._seam: list[str] = []
        self._unsure = unsure
        self._begun, self._index = False, 0

    def show(self, event: AnyEvent) -> None:
        """Show the next event. Raises BrokenPipeError when stdout has no reader."""
        match event:
            case Delta():
                self._delta(event)
            case Pulling() | Queued() | Loading() | Reading():
                self._signs.show(event)
            case Notice():
                self._notice(event)
            case Started() if event.remote:
                self._end_waiting()
                left = "the prompt has left this machine"
                if event.tier == MACHINE_TIER:
                    left = f"{left}, for one of yours"
                who = f"{event.provider}:{event.model} answers: {left}"
                line = f"↗ {who}" if event.tier > 1 else who
                if self._seam:
                    self._seam.append(line)
                else:
                    self._remark(line)
            case Accepted():
                _ = self.writer  # loads what the text will need, while the model computes
            case Done() | Failed() | Interrupted() | Cancelled():
                self._end_waiting()

    def _notice(self, notice: Notice) -> None:
        if notice.kind == "unsure":
            able = notice.reason.endswith(COULD)
            self._late.append(notice.reason + (self._unsure if able else ""))
        elif not self._begun:
            self._end_waiting()
            self._remark(notice.reason)
        elif notice.kind == "seam":
            self._seam = [notice.reason]
        else:
            self._late.append(notice.reason)

    def _delta(self, delta: Delta) -> None:
        if delta.kind == "text":
            self._end_waiting()
            if self._seam:
                self._cross(delta)
            self._begun, self._index = True, delta.index
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

    def _cross(self, delta: Delta) -> None:
        """Text behind a seam: another's answer begins on a line of its own, below why; one that goes on with
        the text stands in it, and why is told at the end."""
        if delta.index == self._index:
            self._late += self._seam
        else:
            self._end_text()
            for line in self._seam:
                self._remark(line)
        self._seam = []

    def _end_text(self) -> None:
        """What was written is whole: another's text begins anew."""
        if self._writer is not None:
            self._writer.finish()
        self._writer, self._begun = None, False

    def close(self) -> None:
        """The answer is over, in whatever way: leave the terminal in order."""
        self._end_waiting()
        self._end_text()
        for line in (*self._seam, *self._late):
            self._remark(line)
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
