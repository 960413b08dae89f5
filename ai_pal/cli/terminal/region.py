"""Lines at the bottom of the terminal that can be drawn again and again without flicker.

Between two drawings the cursor rests, hidden, at the top of the region. A terminal keeps the cursor
on its text when it rewraps after a resize, so erasing from the cursor down is right at any width.
What a terminal pushed into its scrollback while it rewrapped is out of reach and stays there.
"""

import contextlib
import os
from collections.abc import Callable
from typing import TextIO

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_ERASE_LINE, _ERASE_BELOW = "\x1b[0m\x1b[K", "\r\x1b[J"

_drawn_now: "list[Region]" = []
"""Those that hide the cursor."""


def put_away() -> None:
    """Erase all regions and show the cursor, as who suspends this process expects it; the next drawing
    brings them back. Safe in a signal handler."""
    for region in _drawn_now:
        region.put_away()


class Region:
    """A live area; never taller than the screen less one line, of which it shows the end."""

    def __init__(self, stream: TextIO, size: Callable[[], os.terminal_size]) -> None:
        self._stream = stream
        self._size = size
        self._drawn: list[str] = []
        self._at = size()
        self._away = False

    def draw(self, lines: list[str]) -> None:
        """Show `lines` (escape sequences for style only) in place of what was shown before."""
        if self not in _drawn_now:
            _drawn_now.append(self)
        if self._away:
            self._away, self._drawn = False, []
        now = self._size()
        lines = lines[-max(1, now.lines - 1) :]
        out = [_HIDE, _BEGIN, _NO_WRAP]
        if now != self._at:
            out.append(_ERASE_BELOW)
            self._at, self._drawn = now, []
        out += self._changes(lines)
        out += ["\r", _WRAP, _END]
        self._drawn = lines
        self._write(out)

    def _changes(self, lines: list[str]) -> list[str]:
        """What turns the drawn lines into `lines` and brings the cursor back to the top."""
        out = []
        for index, line in enumerate(lines):
            if index:
                out.append("\r\n")
            if index >= len(self._drawn) or self._drawn[index] != line:
                out.append(line + _ERASE_LINE)
        below = len(lines) - 1
        if len(self._drawn) > len(lines) > 0:
            out += ["\r\n", _ERASE_BELOW]
            below += 1
        elif not lines:
            out.append(_ERASE_BELOW)
        if below > 0:
            out.append(f"\x1b[{below}A")
        return out

    def commit(self, lines: list[str]) -> None:
        """Print `lines` for good, in place of what is shown; the region begins anew below them."""
        if lines or self._drawn:
            printed = [part for line in lines for part in (line, _ERASE_LINE, "\r\n")]
            self._write([_BEGIN, "\r", *printed, _ERASE_BELOW, _END])
        self._drawn = []

    def close(self) -> None:
        """Erase what is not committed and show the cursor again."""
        out = [_ERASE_BELOW] if self._drawn else []
        self._drawn = []
        self._write([*out, _SHOW])
        if self in _drawn_now:
            _drawn_now.remove(self)

    def put_away(self) -> None:
        """Past the stream's own buffer, in the midst of whose writing this may be."""
        self._away = True
        with contextlib.suppress(OSError, ValueError):
            os.write(self._stream.fileno(), f"{_ERASE_BELOW}{_WRAP}{_END}{_SHOW}".encode())

    def _write(self, parts: list[str]) -> None:
        self._stream.write("".join(parts))
        self._stream.flush()
