"""What a process writes: split into lines for the log, the last of them kept for error reports.

Once it serves, engines may quote what they were asked, a grammar that is wrong for example: from then on only
our own log lines are kept, and of all others what cannot hold any of that.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from ai_pal.counted import counted
from ai_pal.server.nodes.crash_lines import without_content

TAIL_LINES = 20
MAX_LINE = 4096
"""Bytes of one line; the rest of a longer one is dropped."""
SERVING = "serving"
"""The event of our own from which on a process serves."""

QUIET = ("debug", "info")
"""Levels of lines of our own that say nothing of why a process has ended."""


class _Line(msgspec.Struct):
    event: str = ""
    level: str = ""


class Output:
    """Feeds on raw bytes, gives whole lines to `on_line`. `mark` begins the lines of our own log, and is not
    told to engines; `serves`: from its start."""

    def __init__(self, on_line: Callable[[str], None], mark: str = "", *, serves: bool = False) -> None:
        self._on_line, self._mark, self._serves = on_line, mark, serves
        self._partial = bytearray()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._left_out = 0

    def feed(self, data: bytes) -> None:
        *lines, rest = (bytes(self._partial) + data).split(b"\n")
        self._partial = bytearray(rest[:MAX_LINE])
        for line in lines:
            self._take(line)

    def end(self) -> None:
        """No more is coming: what is left is a line too."""
        if self._partial:
            self._take(bytes(self._partial))
            self._partial.clear()

    def tail(self) -> str:
        left_out = f"({counted(self._left_out, 'line')} left out: they may hold what was asked)"
        return "\n".join([*self._tail, *([left_out] if self._left_out else [])])

    def _take(self, line: bytes) -> None:
        text = line[:MAX_LINE].decode("utf-8", "replace").rstrip()
        engines, marked, ours = text.rpartition(self._mark) if self._mark else (text, "", "")
        if not marked:
            engines, ours = text, ""
        if engines:
            self._of_engine(engines)
        if ours:
            said = _said(ours)
            if said.level in QUIET:
                self._on_line(ours)
            else:
                self._keep(ours)
            self._serves = self._serves or said.event == SERVING

    def _of_engine(self, line: str) -> None:
        kept = without_content(line) if self._serves else line
        self._left_out += kept != line
        if kept:
            self._keep(kept)

    def _keep(self, line: str) -> None:
        self._tail.append(line)
        self._on_line(line)


def _said(line: str) -> _Line:
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.MsgspecError:
        return _Line()
