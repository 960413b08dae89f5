"""What the standard streams are: terminals or not, styled or plain."""

import os
import sys
from typing import NamedTuple, TextIO

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.wrapping import wrapped


class Terminal(NamedTuple):
    """Which streams are terminals. `dumb` ones get no escape sequences at all."""

    stdin: bool
    stdout: bool
    stderr: bool
    dumb: bool = False

    @classmethod
    def detect(cls) -> "Terminal":
        """Look at the streams of this process."""
        return cls(
            _is_terminal(sys.stdin),
            _is_terminal(sys.stdout),
            _is_terminal(sys.stderr),
            os.environ.get("TERM", "dumb") in ("dumb", ""),
        )

    @property
    def rich_stdout(self) -> bool:
        return self.stdout and not self.dumb

    @property
    def rich_stderr(self) -> bool:
        return self.stderr and not self.dumb


_USUAL = os.terminal_size((80, 24))
YES = ("y", "yes")


def size(stream: TextIO) -> os.terminal_size:
    """Columns and rows of the terminal behind `stream`, now."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return _USUAL
    # A terminal that does not know its size says 0 x 0.
    return found if found.columns and found.lines else _USUAL


def say(text: str, stream: TextIO, *, dim: bool) -> None:
    """Print one remark of ours; `text` is neutral already."""
    text = wrapped(text, stream)
    print(f"\x1b[2m{text}\x1b[0m" if dim else text, file=stream, flush=True)


def remark(text: str) -> None:
    """Say on stderr what the user should know of the way to the supervisor, in one dim line."""
    say(neutral_line(text), sys.stderr, dim=Terminal.detect().rich_stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def typed() -> str | None:
    """What is typed behind a question, in lower case; None for the end of input. Ctrl-C raises
    KeyboardInterrupt. Whoever leaves so begins a new line."""
    try:
        return input().strip().lower()
    except EOFError:
        print(file=sys.stderr)
        return None
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
