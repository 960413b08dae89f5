"""What a supervisor leaves when it ends: each of its processes is watched by a descriptor of its own.

A look at all processes of a busy machine takes up to a second: it would time itself, not their ends."""

import os
import select
import time
from collections.abc import Callable

import psutil

from tests.process.supervised import Supervised


class Leftovers:
    """Processes that are to end, such as those of a supervisor: made before that ends, so that whatever it
    had by then is watched from then on. `look` finds those that there are now."""

    def __init__(self, look: Callable[[], list[int]]) -> None:
        self._find = look
        self._watched: dict[int, int] = {}
        self._poll = select.poll()
        self._look()

    def wait(self, limit: float) -> tuple[float, list[int]]:
        """How many seconds from now on the last of them lived, and which still do after so many."""
        begun = last = time.monotonic()
        while self._watched or self._look():  # only then: a look takes long
            left = max(0.0, begun + limit - time.monotonic())
            ended = self._poll.poll(left * 1000)
            if not ended:
                return time.monotonic() - begun, [self._forget(fd) for fd in list(self._watched)]
            last = time.monotonic()
            for fd, _ in ended:
                self._forget(fd)
        return last - begun, []

    def _look(self) -> bool:
        """Watch what is not watched yet, and has not ended since it was found; whether there was any."""
        before = len(self._watched)
        for pid in self._find():
            if pid in self._watched.values():
                continue
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            self._watched[fd] = pid
            self._poll.register(fd, select.POLLIN)
        return len(self._watched) > before

    def _forget(self, fd: int) -> int:
        self._poll.unregister(fd)
        os.close(fd)
        return self._watched.pop(fd)


def of(daemon: Supervised) -> list[int]:
    """What this supervisor has started, known to it or not."""
    return [process.pid for process in psutil.process_iter() if _belongs(process, daemon)]


def _belongs(process: psutil.Process, daemon: Supervised) -> bool:
    try:
        line = process.cmdline()
        mine = f"ipc://{daemon.run_dir}/workers.sock" in line or _is_fork(process, line, daemon)
        return mine and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _is_fork(process: psutil.Process, line: list[str], daemon: Supervised) -> bool:
    """Whether it is a child that is still to become a worker: until then it looks like its parent."""
    if process.pid == daemon.process.pid or line != daemon.command:
        return False
    return process.environ().get("AI_PAL_HOME") == daemon.environ["AI_PAL_HOME"]
