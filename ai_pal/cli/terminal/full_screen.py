"""The whole screen of a terminal, which is as it was afterwards."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

from ai_pal.cli.terminal.region import Region

_ENTER, _LEAVE = "\x1b[?1049h\x1b[2J\x1b[H", "\x1b[?1049l"


class FullScreen:
    """The terminal's other screen, within a `with`. It is left on each way out, by SIGQUIT too."""

    def __init__(self, stream: TextIO, size: Callable[[], os.terminal_size]) -> None:
        self._stream, self._size = stream, size
        self._region = Region(stream, size)
        self._before: Any = None

    def draw(self, lines: list[str]) -> None:
        """Show these lines, one less than there are rows at most; only what has changed is written."""
        self._region.draw(lines)

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """The usual screen, in between."""
        self._leave()
        try:
            yield
        finally:
            self._enter()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGQUIT, _end)
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            self._leave()
        signal.signal(signal.SIGQUIT, self._before)

    def _enter(self) -> None:
        self._write(_ENTER)
        self._region = Region(self._stream, self._size)

    def _leave(self) -> None:
        self._region.close()
        self._write(_LEAVE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
