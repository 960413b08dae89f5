"""A gang: processes on several nodes that are one worker, such as the ranks of an engine that spreads a model
over them. All start or none does; one ends and all go; it has ended when the last one has."""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from ai_pal.errors import AiPalError
from ai_pal.server.nodes.base import Arrived, ExitStatus, Launcher, LaunchSpec, ProcessUsage, WorkerProcess


def launched(
    launcher: Launcher, specs: Sequence[LaunchSpec], on_exit: Callable[[ExitStatus], None]
) -> WorkerProcess:
    """Start a worker, of one process or of several. Raises `AiPalError` (`spawn_failed`)."""
    if len(specs) == 1:
        return launcher.launch(specs[0], on_exit)
    return Gang.launch(launcher, specs, on_exit)


class Gang:
    """Implements `WorkerProcess`. The first rank is its head, which speaks for all: it connects, and its pid
    is the gang's. `on_exit` is called once, with how the first of them ended."""

    def __init__(self, on_exit: Callable[[ExitStatus], None]) -> None:
        self._on_exit = on_exit
        self._ranks: list[WorkerProcess] = []
        self._ended: set[int] = set()
        self._first: ExitStatus | None = None
        self._tail = ""
        self._whole = False
        """Whether all were started, and the last end is still to be told."""

    @classmethod
    def launch(
        cls, launcher: Launcher, specs: Sequence[LaunchSpec], on_exit: Callable[[ExitStatus], None]
    ) -> "Gang":
        """Start a process for each rank, the head first. Raises `AiPalError` (`spawn_failed`) where one
        cannot be started: then those before it are killed, and nobody hears of their ends."""
        gang = cls(on_exit)
        for rank, spec in enumerate(specs):
            try:
                process = launcher.launch(spec, partial(gang._exited, rank, spec.node))
            except AiPalError:
                gang.kill()
                raise
            gang._ranks.append(process)
        gang._whole = True
        return gang

    @property
    def pid(self) -> int:
        return self._ranks[0].pid

    def terminate(self) -> None:
        for process in self._living():
            process.terminate()

    def kill(self) -> None:
        for process in self._living():
            process.kill()

    def usage(self) -> ProcessUsage | None:
        """Of all together; while files come to a node, how far the last of them is."""
        found = [usage for process in self._living() if (usage := process.usage()) is not None]
        if not found:
            return None
        coming = [one.arrived for one in found if one.arrived is not None]
        return ProcessUsage(
            cpu=sum(one.cpu for one in found),
            memory=sum(one.memory for one in found),
            read=sum(one.read for one in found),
            private=sum(one.private for one in found),
            peak=sum(one.peak for one in found),
            arrived=_last(coming) if coming else None,
        )

    def owns(self, pid: int) -> bool:
        return self._ranks[0].owns(pid)

    def stderr_tail(self) -> str:
        """Of the one that ended first, else of the head."""
        return self._tail if self._first is not None else self._ranks[0].stderr_tail()

    def _living(self) -> list[WorkerProcess]:
        return [process for rank, process in enumerate(self._ranks) if rank not in self._ended]

    def _exited(self, rank: int, node: str, status: ExitStatus) -> None:
        self._ended.add(rank)
        if self._first is None:
            where = f"rank {rank} on node {node}"
            reason = f"{where}: {status.reason}" if status.reason and not status.refused else status.reason
            self._first, self._tail = (
                replace(status, reason=reason, node=node),
                self._ranks[rank].stderr_tail(),
            )
            self.kill()
        if self._whole and len(self._ended) == len(self._ranks):
            self._whole = False
            self._on_exit(self._first)


def _last(coming: Sequence[Arrived]) -> Arrived:
    return Arrived(min(one.fraction for one in coming), sum(one.steps for one in coming))
