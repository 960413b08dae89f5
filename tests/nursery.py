"""Processes that are there at once: forked from one that has imported what they need (`tests/nursing.py`).
Workers of an engine, egress processes with the SDKs of all providers, supervisors, commands, and the test
processes.

Each is the program itself from its first line on, and what `NURSERIES` names in its environment it has from
nurseries in its turn (`tests/forked_popen.py`). What is true of programs that Python has just started, others
look at: `tests/process/test_worker.py` at workers, `test_one_supervisor.py` there at supervisors, and
`test_command_examples.py` at commands as a shell starts them."""

import contextlib
import errno
import functools
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

EGRESS, SUPERVISORS, COMMANDS, TESTS = "egress", "supervise", "commands", "tests"
NURSERIES = "TESTS_NURSERIES"
"""A variable of a process of a nursery: whom it may ask for others, an engine and `SUPERVISORS`. They are
ready."""

RUN = "TESTS_RUN"
"""To which test run it belongs, by another."""

ROOM = "-" * 1000
"""For the commands of its children, where its own would end."""

MOST_BYTES, MOST_DESCRIPTORS = 1 << 20, 8
STATUS = struct.Struct("i")
HELLO = b"hello"
"""Asks for nobody, only for an answer."""


class Birth(msgspec.Struct):
    """What a process is started with."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    cores: list[int]
    streams: list[int]
    """Which descriptors of its own those are that come with this."""

    command: list[str] = []
    """What `ps` shows instead of the nursery's."""

    group: bool = False
    """It leads a process group."""

    detached: bool = False
    """It leads a session, that of the terminal that it reads, and outlives who has asked for it; but not the
    nursery, which ends with the run."""


class Forked:
    """One of them, as `subprocess.Popen` shows it."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid, self._end = pid, end
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._look(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(["workers"], timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and that is on its way here
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
            # Nothing comes where the nursery itself was killed: then so were its children.
            data = self._end.recv(STATUS.size)
            self.returncode = STATUS.unpack(data)[0] if data else -signal.SIGKILL
            self._end.close()
        return self.returncode


class Nursery:
    """Who asks such a process for others, in any thread. It ends with the last who asks it, and its children
    with the one who has asked for them, but for those that are `detached`."""

    def __init__(self, door: socket.socket) -> None:
        self._door, self._ready = door, False
        self._lock = threading.Lock()  # answers have no names: they are to those who asked, in turn

    def fork(
        self,
        arguments: list[str],
        cwd: Path,
        streams: Mapping[int, int],
        environment: Mapping[str, str],
        *,
        command: Sequence[str] = (),
        group: bool = False,
        detached: bool = False,
    ) -> Forked:
        """`streams` are descriptors, by what they are to be there; see `Birth`."""
        end, told = socket.socketpair()
        cores = sorted(os.sched_getaffinity(0))
        birth = Birth(
            arguments, str(cwd), dict(environment), cores, list(streams), list(command), group, detached
        )
        with told, self._lock:
            socket.send_fds(self._door, [msgspec.msgpack.encode(birth)], [told.fileno(), *streams.values()])
            (pid,) = STATUS.unpack(self._door.recv(STATUS.size))
        return Forked(pid, end)

    def ready(self) -> None:
        """Wait until it has imported what it forks."""
        with self._lock:
            if not self._ready:
                self._door.send(HELLO)
                self._door.recv(STATUS.size)
                self._ready = True


_connecting = threading.Lock()
"""Of two connections of one process to a nursery the first would be closed, and its children ended."""


def nursery(kind: str) -> Nursery:
    """For one engine, `EGRESS`, `SUPERVISORS` or `COMMANDS`; all test processes of this run share it."""
    with _connecting:
        return _found(kind)


@functools.cache
def _found(kind: str) -> Nursery:
    address = address_of(kind)
    while (door := connected(address)) is None:
        start(address, kind)
    return Nursery(door)


def with_nurseries(environment: Mapping[str, str], *kinds: str) -> dict[str, str]:
    """This environment, for a process of a nursery that has others from those of these kinds, unless it names
    its own. They are started now: nobody waits for them in the midst of other work."""
    named = environment.get(NURSERIES, " ".join(kinds))
    for kind in named.split():
        nursery(kind).ready()
    return {**environment, NURSERIES: named, RUN: _run()}


def address_of(kind: str) -> str:
    return f"\0ai-pal-nursery-{_run()}-{kind}"


def _run() -> str:
    return os.environ.get(RUN) or os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())


def connected(address: str) -> socket.socket | None:
    """A connection to whoever listens there."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        door.connect(address)
    except ConnectionRefusedError:
        door.close()
        return None
    return door


_started: list[subprocess.Popen[bytes]] = []
"""Nobody waits for them: they end by themselves."""


def start(address: str, kind: str, *arguments: str) -> None:
    """A process that listens there; none where another test process has just done that."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return
        listener.listen()
        command = [sys.executable, "-P", "-m", "tests.nursing", str(listener.fileno()), kind, *arguments]
        command.append(ROOM)
        fds = [listener.fileno()]
        _started.append(subprocess.Popen(command, pass_fds=fds, stdin=subprocess.DEVNULL))
