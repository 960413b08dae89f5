"""The egress process as the supervisor sees it: started on demand, watched, ended when idle.

Several actors share it; each takes the messages of its own types."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol.egress import EgressHello, FromEgress, ToEgress, decode_from_egress
from ai_pal.server.nodes.base import ExitStatus, Launcher, LaunchSpec, WorkerProcess
from ai_pal.server.nodes.deaths import name_of
from ai_pal.server.ports import Clock, Observe
from ai_pal.transport.sockets import Blob

MODULE = "ai_pal.egress"
MACHINES = "ai_pal.machines"
"""The process of the same kind that asks other machines of the user's: it has no key of a provider."""


class Send(Protocol):
    """Takes messages to the egress process, with the large parts that they refer to. False: it cannot be
    reached (its exit will be seen too)."""

    def __call__(self, identity: str, message: ToEgress, blobs: Sequence[Blob] = ()) -> bool: ...


class EgressUser(Protocol):
    """An actor that gives the process work."""

    @property
    def busy(self) -> bool:
        """Whether it has work there, or waits to send some."""

    def egress_ready(self) -> None:
        """The process takes messages now."""

    def egress_gone(self, reason: Failure | None) -> None:
        """The process has ended, and why when that was not planned. Work that waits may start another."""

    def egress_message(self, message: FromEgress) -> None:
        """A message of one of this actor's types."""


class EgressPolicy(msgspec.Struct, frozen=True):
    """Seconds. `stall` is how long a download may stand still, `idle` how long a process without work
    stays, `term` how long it may take to end when it is told to."""

    start: float = 30.0
    beat: float = 10.0
    stall: float = 120.0
    idle: float = 10.0
    term: float = 2.0


class EgressProcess:
    """At most one process of this `module` at a time."""

    def __init__(
        self,
        launcher: Launcher,
        send: Send,
        clock: Clock,
        observe: Observe,
        policy: EgressPolicy,
        environment: Callable[[], dict[str, str]],
        module: str = MODULE,
        decode: Callable[[bytes], FromEgress] = decode_from_egress,
    ) -> None:
        self.decode = decode
        self._module, self._name = module, module.rpartition(".")[2]
        self._launcher, self._send, self._clock = launcher, send, clock
        self._observe, self._policy, self._environment = observe, policy, environment
        self._users: list[EgressUser] = []
        self._takers: dict[type[FromEgress], EgressUser] = {}
        self._numbers = itertools.count(1)
        self._closing = False
        self._process: WorkerProcess | None = None
        self._reason: Failure | None = None
        self._leaving_since: float | None = None
        self._alive_at = 0.0
        self.identity = ""
        self._ready = False
        self._idle_until = 0.0

    def join(self, user: EgressUser, *takes: type[FromEgress]) -> None:
        """Share the process with `user`, who takes the messages of these types."""
        self._users.append(user)
        self._takers.update(dict.fromkeys(takes, user))

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Of the present process."""
        return self._process.pid if self._process is not None else None

    @property
    def takes_work(self) -> bool:
        """Whether messages can be sent; else work waits for `egress_ready`."""
        return self._ready and self._leaving_since is None

    def owns(self, identity: str, pid: int) -> bool:
        """Whether a message comes from the present process."""
        return self._process is not None and identity == self.identity and self._process.owns(pid)

    def start(self) -> None:
        """Start it unless it runs. Raises `AiPalError` (`spawn_failed`)."""
        if self._process is not None:
            return
        identity = f"{self._name}.{next(self._numbers)}.0"
        spec = LaunchSpec(identity, self._module, environment=tuple(self._environment().items()), serves=True)
        self._process = self._launcher.launch(spec, partial(self._exited, identity))
        self.identity, self._ready, self._reason, self._leaving_since = identity, False, None, None
        self._alive_at = self._clock.now()
        self._observe("egress_started", worker=identity, pid=self._process.pid)
        self._clock.wake_at(self._alive_at + self._policy.start)

    def message(self, message: FromEgress) -> None:
        """A message from the present process."""
        self._alive_at = self._clock.now()
        if isinstance(message, EgressHello):
            self._ready, self._idle_until = True, self._alive_at + self._policy.idle
            for user in self._users:
                user.egress_ready()
            return
        user_of = self._takers.get(type(message))
        if user_of is not None:
            user_of.egress_message(message)

    def broken(self, reason: str) -> None:
        """The process broke the rules of the conversation."""
        self.stop(Failure(Code.INTERNAL, reason, retryable=True))

    def send(self, message: ToEgress, blobs: Sequence[Blob] = ()) -> bool:
        """False: it was not sent, and unless `takes_work` the process's end or hello will follow."""
        return self.takes_work and self._send(self.identity, message, blobs)

    def rested(self, stay: float = 0.0) -> None:
        """A piece of work ended: the idle time begins anew, and is at least `stay` seconds."""
        self._idle_until = max(self._idle_until, self._clock.now() + max(stay, self._policy.idle))
        self._clock.wake_at(self._idle_until)
        self._close_if_idle()

    def shutdown(self) -> None:
        """End it as soon as nobody has work there."""
        self._closing = True
        self._close_if_idle()

    def stop(self, reason: Failure | None = None) -> None:
        """End it; a `reason` is why that was not planned."""
        if self._process is None or self._leaving_since is not None:
            return
        self._reason, self._leaving_since = reason, self._clock.now()
        self._process.terminate()
        self._clock.wake_at(self._leaving_since + self._policy.term)

    def tick(self) -> None:
        """Let budgets run out, and ask for the next tick."""
        now, policy, busy = self._clock.now(), self._policy, self._busy
        if self._process is None:
            return
        if self._leaving_since is not None:
            if now >= self._leaving_since + policy.term:
                self._process.kill()
            else:
                self._clock.wake_at(self._leaving_since + policy.term)
            return
        silent_at = self._alive_at + (policy.beat if self._ready else policy.start)
        if now >= silent_at:
            self.stop(Failure(Code.WORKER_HUNG, f"the {self._name} process showed no sign of life"))
        elif self._ready and not busy and now >= self._idle_until:
            self._observe("egress_idle", worker=self.identity)
            self.stop()
        else:
            self._clock.wake_at(silent_at)
            if self._ready and not busy:
                self._clock.wake_at(self._idle_until)

    def _exited(self, identity: str, status: ExitStatus) -> None:
        if identity != self.identity or self._process is None:
            return
        tail = self._process.stderr_tail()
        planned = self._leaving_since is not None and self._reason is None
        self._observe(
            "egress_exited", worker=identity, code=status.code, signal=status.signal, planned=planned
        )
        how = name_of(status.signal) if status.signal else f"code {status.code}"
        died = Failure(
            Code.WORKER_DIED, f"the {self._name} process ended ({how})", retryable=True, detail=tail
        )
        reason = None if planned else self._reason or died
        self._process, self._ready, self._leaving_since = None, False, None
        for user in self._users:
            user.egress_gone(reason)

    @property
    def _busy(self) -> bool:
        return any(user.busy for user in self._users)

    def _close_if_idle(self) -> None:
        if self._closing and not self._busy:
            self.stop()
