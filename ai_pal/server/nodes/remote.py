"""A worker process on another node, as far as this machine was told of it; see `base.WorkerProcess`."""

from collections.abc import Callable

from ai_pal.protocol.cluster import Ended, Supplied, Used
from ai_pal.server.nodes.base import Arrived, ExitStatus, ProcessUsage

TERM, KILL = 15, 9


class RemoteProcess:
    """`signal` takes its name and a number to where it is; `carries` says of a pid whether messages of the
    worker's may come from there: from the cluster process they do."""

    def __init__(
        self,
        worker: str,
        node: str,
        on_exit: Callable[[ExitStatus], None],
        signal: Callable[[str, int], None],
        carries: Callable[[int], bool],
    ) -> None:
        self.worker, self.node = worker, node
        self._on_exit, self._to_node, self._carries = on_exit, signal, carries
        self._pid, self._tail, self._over = 0, "", False
        self._used = ProcessUsage(0.0, 0, 0)

    @property
    def pid(self) -> int:
        """On its node; 0 while that is not known."""
        return self._pid

    def launched(self, pid: int) -> None:
        """It runs there."""
        self._pid = pid
        self._used = ProcessUsage(0.0, 0, 0)

    def supplied(self, told: Supplied) -> None:
        """So much of its files is there."""
        self._used = ProcessUsage(0.0, 0, 0, arrived=Arrived(told.done / told.total, told.steps))

    def uses(self, used: Used) -> bool:
        """What it uses now: whether it has another amount of memory than before."""
        before = self._used.private
        self._used = ProcessUsage(used.cpu, used.memory, used.read, used.private, used.peak)
        return self._used.private != before

    def ended(self, end: Ended) -> None:
        """It has ended."""
        self._over, self._tail = True, end.tail
        self._on_exit(ExitStatus(end.code, end.signal, end.reason, end.refused, end.lost, end.cause))

    def terminate(self) -> None:
        self._signal(TERM)

    def kill(self) -> None:
        self._signal(KILL)

    def usage(self) -> ProcessUsage | None:
        return None if self._over else self._used

    def owns(self, pid: int) -> bool:
        return self._carries(pid)

    def stderr_tail(self) -> str:
        return self._tail

    def _signal(self, number: int) -> None:
        if not self._over:
            self._to_node(self.worker, number)
