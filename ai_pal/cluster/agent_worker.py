"""The worker of an agent: its files come to the node, it is launched and watched, its end is told once."""

import signal
from collections.abc import Callable
from pathlib import Path

from ai_pal.cluster.room_here import shortage
from ai_pal.cluster.supplying import Supplying
from ai_pal.cluster.usage import UsageNews
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.memory.cards_here import CardsHere
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol import cluster as wire
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.nodes.local import LocalLauncher, LocalProcess


class AgentWorker:
    """On one loop. It connects to `endpoint`; `tell` takes what becomes of it to the cluster process, and
    `over` is called behind the last of that."""

    def __init__(
        self,
        ticket: wire.Ticket,
        endpoint: str,
        tell: Callable[[wire.FromAgent], None],
        over: Callable[[], None],
    ) -> None:
        self._ticket, self._endpoint, self._tell, self._over = ticket, endpoint, tell, over
        self.name = ticket.worker
        self._process: LocalProcess | None = None
        self._supplying: Supplying | None = None
        self._supplied: wire.Supplied | None = None
        self._usage = UsageNews()
        self._ended, self._lost = False, ""

    def begin(self) -> None:
        """See to its files, and launch it."""
        supply = self._ticket.supply
        if self._is_short():
            return
        if supply is None:
            self._launch()
        else:
            self._supplying = Supplying(self.name, supply, self._tell, self._files_are_there)

    def owns(self, pid: int) -> bool:
        """Whether this process is it, or a child of it."""
        return self._process is not None and self._process.owns(pid)

    @property
    def runs(self) -> bool:
        """Whether it has a process."""
        return self._process is not None

    def signalled(self, number: int) -> None:
        """The cluster process wants it ended, by this signal."""
        if self._process is not None:
            (self._process.kill if number == signal.SIGKILL else self._process.terminate)()
        elif self._supplying is not None:
            self._finish(wire.Ended(self.name, signal=number))

    def answered(self, answer: wire.Hash | wire.Piece | wire.NotGiven) -> None:
        """What the cluster process knows of its files."""
        if self._supplying is not None:
            self._supplying.answered(answer)

    def tell_news(self, now: float) -> bool:
        """Say how far its files are, or what it has used, where that is news: whether it was."""
        supplied = self._supplying.told if self._supplying is not None else None
        if supplied is not None and supplied != self._supplied:
            self._supplied = supplied
            self._tell(supplied)
            return True
        usage = self._process.usage() if self._process is not None else None
        if usage is None or not self._usage.is_news(usage, now):
            return False
        self._tell(wire.Used(self.name, usage.cpu, usage.memory, usage.read, usage.private, usage.peak))
        return True

    def kill(self, why: str) -> None:
        """Nobody wants it any more; its end is still told, as a loss."""
        self._lost = f"its agent on node {self._ticket.node} has ended it: {why}"
        if self._process is not None:
            self._process.kill()

    def drop(self) -> None:
        """Nobody hears of it any more."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
        if self._supplying is not None:
            self._supplying.stop()

    def _files_are_there(self, failure: Failure | None) -> None:
        if self._supplying is None or self._ended:
            return None  # it is not wanted any more
        self._supplying = None
        if failure is not None:
            end = wire.Ended(self.name, reason=failure.message, refused=True, cause=Code(failure.code))
            return self._finish(end)
        return self._launch()

    def _is_short(self) -> bool:
        """Whether memory is lacking here, its own or a card's: then that is its end."""
        everything = CardsHere(environ={})  # what an engine lets this process see may be others
        if reason := shortage(self._ticket, MachineMemory().free(), everything):
            self._finish(wire.Ended(self.name, reason=reason, refused=True))
        return bool(reason)

    def _launch(self) -> None:
        ticket = self._ticket
        if self._is_short():
            return None
        launcher = LocalLauncher(Path("/"), self._endpoint, self._line)
        seen = ",".join(card.uuid for card in ticket.cards)
        environment = (("CUDA_VISIBLE_DEVICES", seen),) if seen else ()
        spec = LaunchSpec(self.name, ticket.module, ticket.args, environment)
        try:
            self._process = launcher.launch(spec, self._exited)
        except AiPalError as error:
            why, cause = error.failure.message, Code(error.failure.code)
            return self._finish(wire.Ended(self.name, reason=why, refused=True, cause=cause))
        return self._tell(wire.Launched(self.name, self._process.pid))

    def _line(self, worker: str, line: str) -> None:
        self._tell(wire.Line(self.name, line))

    def _exited(self, status: ExitStatus) -> None:
        assert self._process is not None
        tail = self._process.stderr_tail()
        self._process = None
        if self._lost:
            return self._finish(wire.Ended(self.name, reason=self._lost, lost=True, tail=tail))
        return self._finish(wire.Ended(self.name, status.code, status.signal, tail=tail))

    def _finish(self, end: wire.Ended) -> None:
        if not self._ended:
            self._ended = True
            self._tell(end)
            self._over()
