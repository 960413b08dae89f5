"""Noticing that a process has ended, from an asyncio loop: a pidfd on Linux, a thread elsewhere."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable


def watch_exit(process: "subprocess.Popen[bytes]", ended: Callable[[], None]) -> None:
    """Call `ended` once, from the running loop, when the process has ended (not yet reaped). Raises
    OSError where no descriptor is left."""
    loop = asyncio.get_running_loop()
    if hasattr(os, "pidfd_open"):
        _watch_fd(os.pidfd_open(process.pid), ended)
    else:
        threading.Thread(
            target=lambda: (process.wait(), loop.call_soon_threadsafe(ended)), daemon=True
        ).start()


def watch_pid(pid: int, ended: Callable[[], None]) -> Callable[[], None]:
    """Call `ended` once when `pid`, perhaps no child of ours, has ended. Returns how to stop watching.

    Where the platform or the namespace does not allow it, nothing is watched."""
    try:
        return _watch_fd(os.pidfd_open(pid), ended)
    except (AttributeError, OSError):
        return lambda: None


def _watch_fd(fd: int, ended: Callable[[], None]) -> Callable[[], None]:
    loop, open_fds = asyncio.get_running_loop(), [fd]

    def stop() -> None:
        while open_fds:
            loop.remove_reader(open_fds[-1])
            os.close(open_fds.pop())

    def readable() -> None:
        stop()
        ended()

    loop.add_reader(fd, readable)
    return stop


class Processes:
    """Watches processes for many who want to know, with one descriptor for each process."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[Callable[[], None], list[Callable[[], None]]]] = {}

    def watch(self, pid: int, ended: Callable[[], None]) -> Callable[[], None]:
        """As `watch_pid`."""
        if pid not in self._watched:
            self._watched[pid] = watch_pid(pid, lambda: self._ended(pid)), []
        stop_watching, waiting = self._watched[pid]
        waiting.append(ended)

        def stop() -> None:
            if ended in waiting:
                waiting.remove(ended)
            if not waiting and self._watched.get(pid, (None, []))[1] is waiting:
                del self._watched[pid]
                stop_watching()

        return stop

    def _ended(self, pid: int) -> None:
        _, waiting = self._watched.pop(pid)
        for ended in list(waiting):
            ended()
