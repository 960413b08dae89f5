"""Where the text of an answer goes: a pipe as it is, a plain terminal neutralised, or Markdown."""

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from ai_pal.cli.terminal.neutral import neutral
from ai_pal.cli.terminal.region import Region
from ai_pal.cli.terminal.streams import size

_DRAWING_SHARE = 10
"""A drawing is followed by a pause this many times as long: the model needs the processor more."""
_LONGEST_PAUSE = 0.3


class Writer(Protocol):
    """Shows one answer as it comes. Raises BrokenPipeError when nobody reads any more."""

    def write(self, text: str) -> None: ...

    def finish(self) -> None:
        """The answer is over; the cursor stands at the start of a line afterwards."""


class PipeWriter:
    """UTF-8 as the model wrote it, flushed piece by piece."""

    def __init__(self, stream: TextIO) -> None:
        self._bytes = stream.buffer
        self._last = ""

    def write(self, text: str) -> None:
        self._bytes.write(text.encode())
        self._bytes.flush()
        self._last = text or self._last

    def finish(self) -> None:
        if self._last and not self._last.endswith("\n"):
            self.write("\n")


class PlainWriter:
    """Unstyled text on a terminal, made harmless."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ""

    def write(self, text: str) -> None:
        self._stream.write(neutral(text))
        self._stream.flush()
        self._last = text or self._last

    def finish(self) -> None:
        if self._last and not self._last.endswith("\n"):
            self.write("\n")


class MarkdownWriter:
    """Finished blocks are printed once; only the unfinished one is live."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        # Heavy libraries: this is called when the request is out and the model computes.
        from ai_pal.cli.prompts.chat.markdown import Renderer
        from ai_pal.conversations.blocks import BlockSplitter

        self._stream = stream
        self._renderer = Renderer(stream)
        self._region = Region(stream, lambda: size(stream))
        self._splitter = BlockSplitter()
        self._clock = clock
        self._next_drawing = 0.0
        self._begun = False

    def write(self, text: str) -> None:
        for block in self._splitter.feed(neutral(text)):
            self._commit(block)
        start = self._clock()
        if start >= self._next_drawing:
            self._region.draw(self._lines(self._splitter.rest))
            end = self._clock()
            self._next_drawing = end + min(_DRAWING_SHARE * (end - start), _LONGEST_PAUSE)

    def finish(self) -> None:
        for block in self._splitter.feed("\n"):  # the last line joins nothing any more
            self._commit(block)
        self._commit(self._splitter.rest)
        self._splitter.rest = ""
        self._region.close()

    def _commit(self, block: str) -> None:
        lines = self._lines(block, whole_code=True)
        self._region.commit(lines)
        self._begun = self._begun or bool(lines)
        self._next_drawing = 0.0

    def _lines(self, block: str, *, whole_code: bool = False) -> list[str]:
        """The block, below an empty line if others stand above it. One column stays free: a full
        line would leave the cursor in the margin, where terminals differ."""
        lines = self._renderer.lines(block, size(self._stream).columns - 1, whole_code=whole_code)
        return ["", *lines] if lines and self._begun else lines


def writer_for(*, terminal: bool, markdown: bool) -> Writer:
    """The writer for stdout."""
    if not terminal:
        return PipeWriter(sys.stdout)
    return MarkdownWriter(sys.stdout) if markdown else PlainWriter(sys.stdout)
