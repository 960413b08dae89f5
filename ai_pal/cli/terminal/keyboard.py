"""Keep keys typed during an answer off the screen; they wait for the next prompt."""

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from ai_pal.cli.terminal.region import put_away

_LOCAL = 3
_INPUT = 0


@contextmanager
def quiet_keyboard(*, terminal: bool) -> Iterator[None]:
    """No echo, no line editing, no CR translation on stdin; Ctrl-C still works. The terminal is put
    back as it was, on SIGTERM and SIGHUP too, and while this process is suspended."""
    if not terminal:
        yield
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    quiet = termios.tcgetattr(fd)
    quiet[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
    quiet[_LOCAL] |= termios.NOFLSH
    quiet[_INPUT] &= ~termios.ICRNL
    handlers = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, lambda number, _: _suspend(number, fd, before))
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, quiet)
        yield
    finally:
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(fd, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def spoken_to(*, terminal: bool) -> Iterator[None]:
    """Within a quiet block: a question is asked, so keys show and lines can be edited."""
    if not terminal:
        yield
        return
    fd = sys.stdin.fileno()
    quiet = termios.tcgetattr(fd)
    loud = termios.tcgetattr(fd)
    loud[_LOCAL] |= termios.ECHO | termios.ICANON
    loud[_INPUT] |= termios.ICRNL
    try:
        termios.tcsetattr(fd, termios.TCSADRAIN, loud)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSADRAIN, quiet)


def _suspend(number: int, fd: int, usual: list[Any]) -> None:
    """As without a handler, but the terminal is the shell's meanwhile."""
    with suppress(termios.error):
        now = termios.tcgetattr(fd)
        termios.tcsetattr(fd, termios.TCSADRAIN, usual)
        put_away()
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)  # here it goes on
        termios.tcsetattr(fd, termios.TCSADRAIN, now)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
