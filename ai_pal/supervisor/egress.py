"""The egress process as the supervisor sees it: started on demand, watched, ended when idle."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.launchers.base import Launcher, LaunchSpec, WorkerProcess
from ai_pal.lifecycle import ExitStatus
from ai_pal.messages.egress import ToEgress
from ai_pal.supervisor.ports import Clock, Observe

MODULE = "ai_pal.egress"


class Send(Protocol):
    """Takes messages to the egress process. False: it cannot be reached (its exit will be seen too)."""

    def __call__(self, identity: str, message: ToEgress) -> bool: ...


class EgressPolicy(msgspec.Struct, frozen=True):
    """Seconds. `stall` is how long a download may stand still, `idle` how long a process without work
    stays, `term` how long it may take to end when it is told to."""

    start: float = 30.0
    beat: float = 10.0
    stall: float = 120.0
    idle: float = 10.0
    term: float = 2.0


class EgressProcess:
    """At most one process at a time. `on_ready` and `on_exit` tell the owner; `on_exit` gets the reason
    when the end was not planned."""

    on_ready: Callable[[], None]
    on_exit: Callable[[Failure | None], None]

    def __init__(
        self,
        launcher: Launcher,
        send: Send,
        clock: Clock,
        observe: Observe,
        policy: EgressPolicy,
        environment: Callable[[], dict[str, str]],
    ) -> None:
        self._launcher, self._send, self._clock = launcher, send, clock
        self._observe, self._policy, self._environment = observe, policy, environment
        self._numbers = itertools.count(1)
        self._process: WorkerProcess | None = None
        self._reason: Failure | None = None
        self._leaving_since: float | None = None
        self._alive_at = 0.0
        self.identity = ""
        self.ready = False
        self.idle_since = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None

    def owns(self, identity: str, pid: int) -> bool:
        """Whether a message comes from the present process."""
        return self._process is not None and identity == self.identity and self._process.owns(pid)

    def start(self) -> None:
        """Start it unless it runs. Raises `AiPalError` (`spawn_failed`)."""
        if self._process is not None:
            return
        identity = f"egress.{next(self._numbers)}.0"
        spec = LaunchSpec(identity, MODULE, environment=tuple(self._environment().items()))
        self._process = self._launcher.launch(spec, partial(self._exited, identity))
        self.identity, self.ready, self._reason, self._leaving_since = identity, False, None, None
        self._alive_at = self._clock.now()
        self._observe("egress_started", worker=identity, pid=self._process.pid)
        self._clock.wake_at(self._alive_at + self._policy.start)

    def alive(self, *, hello: bool = False) -> None:
        """It has said something."""
        self._alive_at = self._clock.now()
        if hello:
            self.ready, self.idle_since = True, self._alive_at
            self.on_ready()

    def send(self, message: ToEgress) -> bool:
        return self.ready and self._leaving_since is None and self._send(self.identity, message)

    def stop(self, reason: Failure | None = None) -> None:
        """End it; a `reason` is why that was not planned."""
        if self._process is None or self._leaving_since is not None:
            return
        self._reason, self._leaving_since = reason, self._clock.now()
        self._process.terminate()
        self._clock.wake_at(self._leaving_since + self._policy.term)

    def tick(self, *, busy: bool) -> None:
        """Let budgets run out."""
        now, policy = self._clock.now(), self._policy
        if self._process is None:
            return
        if self._leaving_since is not None:
            if now >= self._leaving_since + policy.term:
                self._process.kill()
            return
        silent_at = self._alive_at + (policy.beat if self.ready else policy.start)
        if now >= silent_at:
            self.stop(Failure(Code.WORKER_HUNG, "the download process showed no sign of life"))
        elif self.ready and not busy and now >= self.idle_since + policy.idle:
            self._observe("egress_idle", worker=self.identity)
            self.stop()
        else:
            self._clock.wake_at(silent_at)
            if self.ready and not busy:
                self._clock.wake_at(self.idle_since + policy.idle)

    def _exited(self, identity: str, status: ExitStatus) -> None:
        if identity != self.identity or self._process is None:
            return
        tail = self._process.stderr_tail()
        planned = self._leaving_since is not None and self._reason is None
        self._observe(
            "egress_exited", worker=identity, code=status.code, signal=status.signal, planned=planned
        )
        how = f"signal {status.signal}" if status.signal else f"code {status.code}"
        died = Failure(Code.WORKER_DIED, f"the download process ended ({how})", retryable=True, detail=tail)
        reason = None if planned else self._reason or died
        self._process, self.ready, self._leaving_since = None, False, None
        self.on_exit(reason)
