"""`python -P -m tests.nursing LISTENER KIND ...`: the process that `tests.nursery` asks. It imports what
processes of this kind need, then forks them; see there."""

import contextlib
import ctypes
import fcntl
import gc
import os
import select
import signal
import socket
import sys
import termios
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.nursed import Main, main_of
from tests.nursery import HELLO, MOST_BYTES, MOST_DESCRIPTORS, STATUS, Birth

ALONE_SECONDS = 60.0
"""For so long the process stays while nobody is connected: who has started it is about to be."""


class Born(NamedTuple):
    """A child: where it was asked for, and where its end is told."""

    pid: int
    door: socket.socket
    end: socket.socket
    detached: bool


class Serving:
    """The process: forks what is asked for, and tells how it has ended."""

    def __init__(self, listener: socket.socket, main: Main) -> None:
        self._listener, self._main = listener, main
        self._doors: list[socket.socket] = []
        self._born: dict[int, Born] = {}

    def run(self) -> None:
        """Until the last who asked has ended, or nobody comes."""
        while True:
            watched: list[socket.socket | int] = [self._listener, *self._doors, *self._born]
            ready = select.select(watched, [], [], None if self._doors else ALONE_SECONDS)[0]
            for one in ready:
                if isinstance(one, int):
                    self._ended(one)
                elif one is self._listener:
                    self._doors.append(one.accept()[0])
                else:
                    self._asked(one)
            if not self._doors:
                for child in self._born.values():
                    os.kill(child.pid, signal.SIGKILL)
                return

    def _asked(self, door: socket.socket) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(door, MOST_BYTES, MOST_DESCRIPTORS)
        except ConnectionResetError:  # it was killed before it read its answer
            data, descriptors = b"", []
        if not data:
            self._doors.remove(door)
            for child in self._born.values():
                if child.door is door and not child.detached:
                    os.kill(child.pid, signal.SIGKILL)
            door.close()
            return
        if data == HELLO:
            _answer(door, 0)
            return
        birth = msgspec.msgpack.decode(data, type=Birth)
        if (pid := os.fork()) == 0:
            _live(self._main, birth, descriptors[1:])
        if birth.group:
            os.setpgid(pid, pid)
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        end = socket.socket(fileno=descriptors[0])
        self._born[os.pidfd_open(pid)] = Born(pid, door, end, birth.detached)
        _answer(door, pid)

    def _ended(self, descriptor: int) -> None:
        child = self._born.pop(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        os.close(descriptor)
        with child.end:
            _answer(child.end, code)


def _answer(whom: socket.socket, number: int) -> None:
    """It may have been killed meanwhile: that ends nobody else."""
    with contextlib.suppress(OSError):
        whom.send(STATUS.pack(number))


def _keep_only(streams: dict[int, int]) -> None:
    """Of all that is open here these, by what they are to be, and what the first three are anyway."""
    above = max(*streams, 2) + 1
    copies = {number: fcntl.fcntl(one, fcntl.F_DUPFD, above) for number, one in streams.items()}
    for number, copy in copies.items():
        os.dup2(copy, number)
    begin = 3
    for number in [*sorted(number for number in streams if number > 2), os.sysconf("SC_OPEN_MAX")]:
        os.closerange(begin, number)
        begin = number + 1


def _live(main: Main, birth: Birth, streams: list[int]) -> None:
    """Does not return."""
    try:
        if birth.detached:
            os.setsid()
        if birth.command:
            _show(birth.command)
        os.sched_setaffinity(0, birth.cores)
        os.chdir(birth.cwd)
        os.environ.clear()
        os.environ.update(birth.environment)
        _keep_only(dict(zip(birth.streams, streams, strict=True)))
        if birth.detached and os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        code = main(birth.arguments)
    finally:
        os._exit(code)


def _show(command: list[str]) -> None:
    """As the command of this process, where that of the nursery stood."""
    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(numbers[45]), int(numbers[46])
    text = "\0".join(command).encode()[: end - begin - 1]
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, text, len(text))


def _serve(listener: int, kind: str, arguments: list[str]) -> None:
    gc.disable()
    main = main_of(kind, arguments)
    gc.freeze()  # what lies there, its children share as long as nobody writes to it
    gc.enable()
    with socket.socket(fileno=listener) as one:
        Serving(one, main).run()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2], sys.argv[3:-1])
    os._exit(0)  # as workers end: taking the libraries apart takes long
