"""A command of a nursery, in a terminal of its own."""

import fcntl
import os
import signal
import struct
import termios
from pathlib import Path

from pexpect.fdpexpect import fdspawn

from tests.nursery import COMMANDS, SUPERVISORS, nursery, with_nurseries


class InTerminal(fdspawn):  # type: ignore[type-arg]
    """As `pexpect.spawn` shows what it has started: the leader of the terminal's session."""

    def __init__(self, words: list[str], environ: dict[str, str], rows: int, columns: int) -> None:
        ours, theirs = os.openpty()
        self._resize(theirs, rows, columns)
        environ = with_nurseries(environ, SUPERVISORS, "llamacpp")
        try:
            self._process = nursery(COMMANDS).fork(
                words, Path.cwd(), dict.fromkeys(range(3), theirs), environ,
                command=["ai-pal", *words], detached=True,
            )  # fmt: skip
        finally:
            os.close(theirs)
        super().__init__(ours, timeout=None)
        self.pid = self._process.pid

    def isalive(self) -> bool:
        code = self._process.poll()
        self.exitstatus = code if code is None or code >= 0 else None
        return code is None

    def kill(self, number: int) -> None:
        self._process.send_signal(signal.Signals(number))

    def setwinsize(self, rows: int, columns: int) -> None:
        self._resize(self.child_fd, rows, columns)

    @staticmethod
    def _resize(terminal: int, rows: int, columns: int) -> None:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
