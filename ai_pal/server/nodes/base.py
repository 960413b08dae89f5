"""The launcher seam: start a process, watch it, end it, see what it uses."""

from collections.abc import Callable
from typing import Protocol

import msgspec

OnLine = Callable[[str, str], None]
"""Takes each line that a worker writes, after the worker's name."""


class ExitStatus(msgspec.Struct, frozen=True):
    """How a process ended: an exit `code`, or the `signal` that ended it. On another node it may have been
    `refused` before it began, or be `lost`: nobody can tell its end; and the `reason`, for people."""

    code: int | None = None
    signal: int | None = None
    reason: str = ""
    refused: bool = False
    lost: bool = False


class LaunchSpec(msgspec.Struct, frozen=True):
    """What to start. `worker` is its socket identity (id and incarnation), `module` the Python
    module that runs, `args` its arguments, `environment` what comes on top of the allow-list. `serves`: from
    its start on, what it writes may hold what was asked. `files` are descriptors that it gets too. `node` is
    where it is to run, "" for this machine, and `need` the bytes of memory that have to be free there."""

    worker: str
    module: str
    args: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    serves: bool = False
    files: tuple[int, ...] = ()
    node: str = ""
    need: int = 0


class ProcessUsage(msgspec.Struct, frozen=True):
    """What the process has used: CPU seconds, resident bytes, bytes read from storage. `private` are the
    resident bytes that are no pages of files, `peak` the most resident bytes it has had (0: unknown)."""

    cpu: float
    memory: int
    read: int
    private: int = 0
    peak: int = 0


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
