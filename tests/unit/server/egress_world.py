"""The egress process as the supervisor's actors see it, scripted: a launcher, a clock, and what was sent."""

from collections.abc import Callable, Sequence

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.server.children.egress import EgressPolicy, EgressProcess
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.transport.sockets import Blob

POLICY = EgressPolicy()


class Process:
    """A process that does what the test says."""

    pid = 7

    def __init__(self, on_exit: Callable[[ExitStatus], None]) -> None:
        self.on_exit = on_exit
        self.signals: list[str] = []

    def terminate(self) -> None:
        self.signals.append("term")

    def kill(self) -> None:
        self.signals.append("kill")

    def usage(self) -> ProcessUsage | None:
        return None

    def owns(self, pid: int) -> bool:
        return pid == self.pid

    def stderr_tail(self) -> str:
        return "last words"


class EgressWorld:
    """Launcher and clock; `sent` are the messages that the egress process got."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sent: list[out.ToEgress] = []
        self.processes: list[Process] = []
        self.refuse_spawn = False
        self.egress = EgressProcess(self, self._take, self, lambda event, **fields: None, POLICY, dict)

    def now(self) -> float:
        return self.time

    def wake_at(self, when: float) -> None:
        assert when >= self.time

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        assert spec.module == "ai_pal.egress"
        if self.refuse_spawn:
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no"))
        self.processes.append(Process(on_exit))
        return self.processes[-1]

    def _take(self, identity: str, message: out.ToEgress, blobs: Sequence[Blob] = ()) -> bool:
        self.sent.append(message)
        return True

    def hello(self) -> None:
        self.egress.message(out.EgressHello(7))

    def tick(self) -> None:
        self.egress.tick()

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.tick()

    def pass_time_with_beats(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time = min(end, self.time + 1)
            self.egress.message(out.EgressBeat())
            self.tick()
