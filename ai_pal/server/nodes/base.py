"""The launcher seam: start a process, watch it, end it, see what it uses."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ai_pal.errors import Code
from ai_pal.protocol.cluster import CardShare, Supply

OnLine = Callable[[str, str], None]
"""Takes each line that a worker writes, after the worker's name."""


class ExitStatus(msgspec.Struct, frozen=True):
    """How a process ended: an exit `code`, or the `signal` that ended it. On another node it may have been
    `refused` before it began, for the `cause` or too little memory, or be `lost`: nobody can tell its end;
    and the `reason`, for people. `node` is where, of a process that runs on several."""

    code: int | None = None
    signal: int | None = None
    reason: str = ""
    refused: bool = False
    lost: bool = False
    cause: Code | None = None
    node: str = ""


class LaunchSpec(msgspec.Struct, frozen=True):
    """What to start. `worker` is its socket identity (id and incarnation), `module` the Python
    module that runs, `args` its arguments, `environment` what comes on top of the allow-list. `serves`: from
    its start on, what it writes may hold what was asked. `files` are descriptors that it gets too. `node` is
    where it is to run, "" for this machine, `need` the bytes of memory that have to be free there, `supply`
    the files that are to be there, and `cards` those that it sees, where it computes on any."""

    worker: str
    module: str
    args: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    serves: bool = False
    files: tuple[int, ...] = ()
    node: str = ""
    need: int = 0
    supply: Supply | None = None
    cards: tuple[CardShare, ...] = ()


class Arrived(msgspec.Struct, frozen=True):
    """How much of a worker's files has come to its node before it starts, in [0, 1]; `steps` moves with any
    sign of progress."""

    fraction: float
    steps: int


class ProcessUsage(msgspec.Struct, frozen=True):
    """What the process has used: CPU seconds, resident bytes, bytes read from storage. `private` are the
    resident bytes that are no pages of files, `peak` the most resident bytes it has had (0: unknown);
    `arrived` is there while its files come to its node."""

    cpu: float
    memory: int
    read: int
    private: int = 0
    peak: int = 0
    arrived: Arrived | None = None


class WorkerProcess(Protocol):
    """A launched process. Signals go to its whole group and are no-ops once it has ended."""

    @property
    def pid(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def usage(self) -> ProcessUsage | None:
        """None once the process has ended."""

    def owns(self, pid: int) -> bool:
        """Whether a connection from `pid` comes from this process."""

    def stderr_tail(self) -> str:
        """The last lines the process wrote, for error reports."""


class Launcher(Protocol):
    """Starts worker processes."""

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> WorkerProcess:
        """Start a process; `on_exit` is called once from the owner's loop. Raises `AiPalError`
        (`spawn_failed`)."""
