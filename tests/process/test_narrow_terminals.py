"""What lists something, and what explains, fits a narrow terminal: no word is cut by its right edge."""

import fcntl
import os
import pty
import struct
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from tests.nursery import COMMANDS, nursery
from tests.process.command import ai_pal
from tests.process.homes import Environ

COLUMNS = 40
SECONDS = 120


def shown(environ: Environ, *args: str) -> list[str]:
    """The lines that a terminal of this width gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    plain = {**environ, "NO_COLOR": "1", "TERM": "dumb"}
    plain.pop("COLUMNS", None)
    running = nursery(COMMANDS).fork([*args], Path.cwd(), dict.fromkeys(range(3), theirs), plain)
    os.close(theirs)
    said = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(ours, 65536):
            said += piece
    running.wait(SECONDS)
    os.close(ours)
    for mark in (b"\x1b[32m", b"\x1b[33m", b"\x1b[31m", b"\x1b[0m"):
        said = said.replace(mark, b"")
    return said.decode().splitlines()


@pytest.fixture
def used(home: Environ) -> Environ:
    """One with something to tell."""
    for args in (
        ("chat", "--context", "12345", "what", "is", "it"),
        ("alias", "a-name-of-some-length", "smollm2?context=2048"),
        ("preset", "set", "reviewer", "--system", "You review code, and you are brief. " * 4),
    ):
        ai_pal(home, *args).check_returncode()
    return home


def test_every_line_fits_or_is_one_word(used: Environ) -> None:
    long = []
    for line in (
        "usage", "usage --by model", "usage --by tier", "route what is it", "doctor --offline", "list",
        "list --all", "ps", "status", "keys list", "consent", "preset list", "alias list",
        "history list --limit 1", "top --once", "config show", "stop",
    ):  # fmt: skip
        long += [
            (line, one) for one in shown(used, *line.split()) if len(one) > COLUMNS and len(one.split()) > 1
        ]
    assert long == []
