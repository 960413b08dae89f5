"""How a download looks: one line that is drawn again on a terminal, a line now and then elsewhere."""

import sys
import time

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.waiting import Waiting, bar
from ai_pal.protocol.client import Pulling

LINE_SECONDS = 10.0
"""Between two lines of a log, unless a tenth of the way is done sooner."""


def sized(count: float) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def progress_line(event: Pulling) -> str:
    """`phi-2  ━━━╌╌╌  42%  1.2 GB of 2.8 GB  11 MB/s  2:21`."""
    name = neutral_line(event.model)
    if not event.total:
        return f"{name}  asking what there is"
    parts = [name, bar(event.done / event.total), f"{sized(event.done)} of {sized(event.total)}"]
    return "  ".join(parts + _pace(event))


def _pace(event: Pulling) -> list[str]:
    if not event.speed:
        return []
    parts = [f"{sized(event.speed)}/s"]
    if event.remaining is not None:
        minutes, seconds = divmod(int(event.remaining), 60)
        parts.append(f"{minutes}:{seconds:02}")
    return parts


class Lines:
    """A line for every tenth of the way, for logs and pipes; none before the first byte, for until then the
    download may still be refused."""

    def __init__(self) -> None:
        self._tenth, self._said_at = -1, 0.0

    def show(self, event: Pulling) -> None:
        tenth = 10 * event.done // event.total if event.total else -1
        late = time.monotonic() - self._said_at >= LINE_SECONDS
        if event.total and event.done and (tenth > self._tenth or late):
            self._tenth, self._said_at = tenth, time.monotonic()
            way = f"{100 * event.done // event.total}% ({sized(event.done)} of {sized(event.total)})"
            line = ", ".join([f"pulling {neutral_line(event.model)}: {way}", *_pace(event)])
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Lines stay."""


class Line:
    """The drawn line."""

    def __init__(self) -> None:
        self._waiting = Waiting(Terminal.detect())

    def show(self, event: Pulling) -> None:
        self._waiting.line(progress_line(event))

    def end(self) -> None:
        self._waiting.end()


def display() -> Line | Lines:
    """What suits stderr."""
    return Line() if Terminal.detect().rich_stderr else Lines()
