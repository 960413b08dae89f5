"""Nodes for tests: this machine under several names. A node can be switched off, and on again."""

import contextlib
import signal
import sys
from pathlib import Path

import psutil

from ai_pal.config import paths
from tests import made_up_cards

ALIVE = "on"


class LoopbackNode:
    """A node that its engine reaches by `command`. All that runs there has a home of its own, by which it is
    known."""

    def __init__(self, folder: Path, name: str, cards: str = "", **environ: str) -> None:
        """`cards` are made up: see `tests.made_up_cards`. What runs there has this in its environment too."""
        self.name, self._home = name, folder / name
        self._home.mkdir()
        (self._home / ALIVE).touch()
        environ = made_up_cards.environment(cards) | environ
        more = " ".join(f"{key}={value}" for key, value in environ.items())
        python = f'test -e {self._home}/{ALIVE} && exec env HOME={self._home} {more} {sys.executable} "$@"'
        python = f"printf hello; {python}"  # half a line, as some login shells write
        self.command = f"sh -c '{python}' node"

    @property
    def cache(self) -> Path:
        """Its folder of models."""
        return paths.model_cache_dir({"HOME": str(self._home)})

    def processes(self, module: str = "") -> list[psutil.Process]:
        """What runs there; of these the ones that run this Python module."""
        return [process for process in psutil.process_iter() if self._is_here(process, module)]

    def switch_off(self) -> None:
        """Everything that runs there ends at one moment, and nothing can be started."""
        (self._home / ALIVE).unlink(missing_ok=True)
        for process in self.stand_still():
            _send(process, signal.SIGKILL)

    def switch_on(self) -> None:
        """It can be reached again."""
        (self._home / ALIVE).touch()

    def stand_still(self) -> list[psutil.Process]:
        """Everything there stops computing and answering, as behind a link that was cut."""
        stopped = self.processes()
        for process in stopped:
            _send(process, signal.SIGSTOP)
        return stopped

    def go_on(self) -> None:
        """The line is there again."""
        for process in self.processes():
            _send(process, signal.SIGCONT)

    def _is_here(self, process: psutil.Process, module: str) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.environ().get("HOME") != str(self._home):
                return False
            return not module or module in process.cmdline()
        except (psutil.Error, OSError):
            return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
