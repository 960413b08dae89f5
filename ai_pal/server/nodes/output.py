"""What a process writes: split into lines for the log, the last of them kept for error reports."""

from collections import deque
from collections.abc import Callable

TAIL_LINES = 20
MAX_LINE = 4096
"""Bytes of one line; the rest of a longer one is dropped."""


class Output:
    """Feeds on raw bytes, gives whole lines to `on_line`."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._partial = bytearray()
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)

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
        return "\n".join(self._tail)

    def _take(self, line: bytes) -> None:
        text = line[:MAX_LINE].decode("utf-8", "replace").rstrip()
        if text:
            self._tail.append(text)
            self._on_line(text)
