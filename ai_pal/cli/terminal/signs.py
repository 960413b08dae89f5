"""Signs of life on stderr until an answer comes: the queue, a download, a load, how far a prompt is read."""

from typing import TYPE_CHECKING

from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.waiting import Waiting
from ai_pal.protocol.client import AnyEvent, Pulling

if TYPE_CHECKING:
    from ai_pal.cli.terminal.downloads import Lines


class Signs:
    """On a terminal one line that is drawn again. Elsewhere, as with git, nothing tells of what is not asked
    for; but a download has a line now and then, as with docker: it takes long, and brings gigabytes."""

    def __init__(self, terminal: Terminal) -> None:
        self._rich = terminal.rich_stderr
        self.waiting = Waiting(terminal)
        self._lines: Lines | None = None

    def show(self, event: AnyEvent) -> None:
        """Show the next event, if it tells how far anything is."""
        if not isinstance(event, Pulling):
            self.waiting.show(event)
            return
        from ai_pal.cli.terminal.downloads import Lines, progress_line

        if self._rich:
            self.waiting.line(progress_line(event))
        else:
            self._lines = self._lines or Lines()
            self._lines.show(event)

    def end(self) -> None:
        """Take them away."""
        self.waiting.end()
