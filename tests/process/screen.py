"""A terminal to test with: a real pseudo-terminal, and an emulator that shows what a user sees."""

import re
import shlex
import signal
import sys
import time
from collections import deque

import pexpect
import pyte

from tests.process.eventually import eventually
from tests.process.in_terminal import InTerminal

PYTHON = sys.executable
WAIT_SECONDS = 120.0
PIECE = 512
ERASES = re.compile(rb"(?=\r*\x1b\[\d?[JK])")
"""Before it the screen is looked at: what vanishes there is seen, however late it is read."""


class Terminal:
    """`ai-pal ARGS` in a terminal, from a nursery; or `as_job` of an interactive bash there, which has
    Python start it. `raw` is every byte that was written."""

    def __init__(
        self,
        args: list[str],
        environ: dict[str, str],
        columns: int = 80,
        rows: int = 30,
        *,
        as_job: bool = False,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1000, ratio=1)
        self._emulator = pyte.ByteStream(self.screen)
        self.raw = b""
        self._unseen: deque[bytes] = deque()
        self.process: pexpect.spawn[bytes] | InTerminal
        if not as_job:
            self.process = InTerminal(args, environ, rows, columns)
            return
        shell = ["--norc", "--noprofile", "-i"]
        self.process = pexpect.spawn("bash", shell, env=environ, dimensions=(rows, columns), timeout=None)
        self.enter(shlex.join([PYTHON, "-m", "ai_pal", *args]))

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            eventually(lambda: not self.process.isalive())
        self.process.close()

    @property
    def text(self) -> str:
        """What has scrolled off and what is on the screen, without blanks at line ends."""
        above = ["".join(row[i].data for i in range(self.screen.columns)) for row in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*above, *self.screen.display]).rstrip()

    def send(self, keys: str) -> None:
        self.process.send(keys)

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.send(line + "\r")

    def wait_for(self, pattern: str, count: int = 1) -> None:
        """Until `pattern` (a regular expression) is seen `count` times. Fails with the screen."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(re.findall(pattern, self.text)) < count:
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{pattern!r} is not on the screen:\n{self.text}")

    def wait_for_prompt(self) -> None:
        """Until the last line is an empty prompt."""
        self.wait_for(r"(?:^|\n)>\Z")

    def exit_code(self) -> int | None:
        """Wait for the end."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self._read():
            assert time.monotonic() < deadline, f"does not end:\n{self.text}"
        # It has let go of the terminal and may still be ending: closing it now would end it by SIGHUP.
        assert eventually(lambda: not self.process.isalive(), within=WAIT_SECONDS)
        self.process.close()
        return self.process.exitstatus

    def resize(self, columns: int, rows: int) -> None:
        self.process.setwinsize(rows, columns)
        self.screen.resize(lines=rows, columns=columns)

    def _read(self) -> bool:
        """Take what waits up to the next erasure, for at most a moment; False at the end."""
        try:
            if not self._unseen:
                self._unseen += filter(None, ERASES.split(self.process.read_nonblocking(PIECE, timeout=0.2)))
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        piece = self._unseen.popleft()
        self.raw += piece
        self._emulator.feed(piece)
        return True
