"""Workers and egress processes that are there at once: forked from a process that has imported the libraries
of their engine, or the SDKs of all providers. All test processes of one run share it.

Each is the program itself from its first line on. What is true of a worker that was just started by Python
(`python -P -m workers`) is looked at in `tests/process/test_worker.py`; supervisors start both like that."""

import contextlib
import errno
import functools
import importlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

EGRESS = "egress"
MOST_BYTES = 1 << 20
STATUS = struct.Struct("i")
ALONE_SECONDS = 60.0
"""For so long the process stays while nobody is connected: who has started it is about to be."""

Main = Callable[[list[str]], int]


class Birth(msgspec.Struct):
    """What a process is started with."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    cores: list[int]


class Forked:
    """One of them, as `subprocess.Popen` shows it."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid, self._end = pid, end
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._look(0.0)

    def wait(self, timeout: float) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["workers"], timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
            # Nothing comes where the nursery itself was killed: then so were its children.
            data = self._end.recv(STATUS.size)
            self.returncode = STATUS.unpack(data)[0] if data else -signal.SIGKILL
            self._end.close()
        return self.returncode


class Nursery:
    """Who asks the process for one engine, or for `EGRESS`. That ends with the last who asks it, and the
    children of each with the one who has asked for them."""

    def __init__(self, kind: str) -> None:
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
        address = f"\0ai-pal-nursery-{run}-{kind}"
        self._process: subprocess.Popen[bytes] | None = None
        while (door := _connected(address)) is None:
            self._process = _started(address, kind) or self._process
        self._door = door

    def fork(self, arguments: list[str], cwd: Path, log: int, environment: Mapping[str, str]) -> Forked:
        end, told = socket.socketpair()
        cores = sorted(os.sched_getaffinity(0))
        birth = msgspec.msgpack.encode(Birth(arguments, str(cwd), dict(environment), cores))
        with told:
            socket.send_fds(self._door, [birth], [log, told.fileno()])
        return Forked(STATUS.unpack(self._door.recv(STATUS.size))[0], end)


@functools.cache
def nursery(kind: str) -> Nursery:
    return Nursery(kind)


def _connected(address: str) -> socket.socket | None:
    """A connection to whoever listens there."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        door.connect(address)
    except ConnectionRefusedError:
        door.close()
        return None
    return door


def _started(address: str, kind: str) -> "subprocess.Popen[bytes] | None":
    """A process that listens there; none where another test process has just done that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return None
        listener.listen()
        command = [sys.executable, "-P", "-m", "tests.nursery", str(listener.fileno()), kind]
        return subprocess.Popen(command, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)


class Born(NamedTuple):
    """A child: where it was asked for, and where its end is told."""

    pid: int
    door: socket.socket
    end: socket.socket


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
                return

    def _asked(self, door: socket.socket) -> None:
        data, descriptors, _, _ = socket.recv_fds(door, MOST_BYTES, 2)
        if not data:
            self._doors.remove(door)
            for child in self._born.values():
                if child.door is door:
                    os.kill(child.pid, signal.SIGKILL)
            door.close()
            return
        if (pid := os.fork()) == 0:
            _live(self._main, msgspec.msgpack.decode(data, type=Birth), descriptors[0])
        os.close(descriptors[0])
        self._born[os.pidfd_open(pid)] = Born(pid, door, socket.socket(fileno=descriptors[1]))
        door.send(STATUS.pack(pid))

    def _ended(self, descriptor: int) -> None:
        child = self._born.pop(descriptor)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        os.close(descriptor)
        with child.end, contextlib.suppress(OSError):  # nobody may wait for it
            child.end.send(STATUS.pack(code))


def _worker(engine: str) -> Main:
    """The program, with everything imported that it will want."""
    import workers.loop  # noqa: F401
    from workers import engines
    from workers.__main__ import main

    engines.prepare(engine)
    return main


def _egress() -> Main:
    import ai_pal.egress.loop  # noqa: F401
    from ai_pal.egress.__main__ import main
    from ai_pal.egress.providers import CLASSES

    for api in CLASSES:
        importlib.import_module(f"ai_pal.egress.providers.{api}")
    return main


def _live(main: Main, birth: Birth, log: int) -> None:
    """Does not return."""
    try:
        os.sched_setaffinity(0, birth.cores)
        os.chdir(birth.cwd)
        os.environ.clear()
        os.environ.update(birth.environment)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        code = main([*birth.arguments, "--parent", str(os.getppid())])
    finally:
        os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as one:
        Serving(one, _egress() if sys.argv[2] == EGRESS else _worker(sys.argv[2])).run()
    os._exit(0)  # as workers end: taking the libraries apart takes long
