"""Workers and egress processes that are there at once: forked from a process that has imported the libraries
of their engine, or the SDKs of all providers.

Each is the program itself from its first line on. What is true of a worker that was just started by Python
(`python -P -m workers`) is looked at in `tests/process/test_worker.py`; supervisors start both like that."""

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

import msgspec

EGRESS = "egress"
MOST_BYTES = 1 << 20
STATUS = struct.Struct("i")


class Birth(msgspec.Struct):
    """What a process is started with."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]


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
    """A process for one engine, or for `EGRESS`. It ends with the process that has asked for it, and its
    children with it."""

    def __init__(self, kind: str) -> None:
        self._door, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "tests.nursery", str(inner.fileno()), kind]
        self._process = subprocess.Popen(command, pass_fds=[inner.fileno()], stdin=subprocess.DEVNULL)
        inner.close()

    def fork(self, arguments: list[str], cwd: Path, log: int, environment: Mapping[str, str]) -> Forked:
        end, told = socket.socketpair()
        birth = msgspec.msgpack.encode(Birth(arguments, str(cwd), dict(environment)))
        with told:
            socket.send_fds(self._door, [birth], [log, told.fileno()])
        return Forked(STATUS.unpack(self._door.recv(STATUS.size))[0], end)


@functools.cache
def nursery(kind: str) -> Nursery:
    return Nursery(kind)


def serve(door: socket.socket, kind: str) -> None:
    """Fork what is asked for, and tell how it has ended."""
    main = _egress() if kind == EGRESS else _worker(kind)
    told: dict[int, tuple[int, socket.socket]] = {}
    while True:
        watched: list[socket.socket | int] = [door, *told]
        for ready in select.select(watched, [], [])[0]:
            if isinstance(ready, int):
                pid, end = told.pop(ready)
                with end:
                    end.send(STATUS.pack(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                os.close(ready)
                continue
            data, descriptors, _, _ = socket.recv_fds(door, MOST_BYTES, 2)
            if not data:
                return
            if (pid := os.fork()) == 0:
                _live(main, msgspec.msgpack.decode(data, type=Birth), descriptors[0])
            os.close(descriptors[0])
            told[os.pidfd_open(pid)] = pid, socket.socket(fileno=descriptors[1])
            door.send(STATUS.pack(pid))


def _worker(engine: str) -> Callable[[list[str]], int]:
    """The program, with everything imported that it will want."""
    import workers.loop  # noqa: F401
    from workers import engines
    from workers.__main__ import main

    engines.prepare(engine)
    return main


def _egress() -> Callable[[list[str]], int]:
    import ai_pal.egress.loop  # noqa: F401
    from ai_pal.egress.__main__ import main
    from ai_pal.egress.providers import CLASSES

    for api in CLASSES:
        importlib.import_module(f"ai_pal.egress.providers.{api}")
    return main


def _live(main: Callable[[list[str]], int], birth: Birth, log: int) -> None:
    """Does not return."""
    try:
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
        serve(one, sys.argv[2])
    os._exit(0)  # as workers end: taking the libraries apart takes long
