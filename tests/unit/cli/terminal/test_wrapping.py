"""Lines of ours end at words."""

import io
import os
import pty

import pytest

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.errors import Code, Failure

LONG = "error: the model could not be loaded because its file /a/very/long/path/to/some/model.gguf is cut off"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A stream of 40 columns."""
    size = os.terminal_size((40, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: size)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "fileno", lambda: 9, raising=False)
    return stream


def test_words_stay_whole_and_long_ones_have_a_line_of_their_own(terminal: io.StringIO) -> None:
    lines = wrapped(LONG, terminal).split("\n")
    assert " ".join(line.strip() for line in lines) == LONG
    assert all(len(line) < 40 or len(line.split()) == 1 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_what_fits_and_empty_lines_stay_as_they_are(terminal: io.StringIO) -> None:
    assert wrapped("a\n\n  b  c\n", terminal) == "a\n\n  b  c\n"
    assert wrapped(f"{LONG}\n\nb", terminal).endswith("\n\nb")


def test_what_is_no_terminal_gets_lines_whole() -> None:
    assert wrapped(LONG, io.StringIO()) == LONG


def test_errors_are_wrapped_on_a_real_terminal() -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:
        os.set_blocking(ours, False)
        import fcntl
        import struct
        import termios

        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        failures.report(Failure(Code.BAD_REQUEST, LONG), stream=stream)
        shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\r\n  " in shown
    assert all(len(line) < 40 or len(line.split()) == 1 for line in shown.splitlines())
