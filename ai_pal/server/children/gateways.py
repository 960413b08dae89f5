"""The gateway's processes as the supervisor sees them: started with it, started again, ended with it.

They are clients like any other; that they answer, their own connections say."""

import itertools
from collections.abc import Callable
from functools import partial

import msgspec

from ai_pal.errors import AiPalError, Code, fail
from ai_pal.restarts import Restarts
from ai_pal.server.nodes.base import ExitStatus, Launcher, LaunchSpec, WorkerProcess
from ai_pal.server.ports import Clock, Observe
from ai_pal.transport.pulse import Pulse, Watch

TERM = 1.5
"""Seconds that one may take to end, once every answer has."""


class GatewaySpec(msgspec.Struct, frozen=True):
    """`count` processes that run `module`, each with these arguments and this environment. One whose loop is
    `silent` for so many seconds is replaced."""

    module: str
    args: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    count: int = 1
    silent: float = 10.0


class Gateways:
    """All processes of the gateway that this supervisor has started; none without a `spec`. Each has a
    pulse: one that hangs is ended, and so is started again."""

    def __init__(
        self,
        launcher: Launcher,
        clock: Clock,
        observe: Observe,
        spec: GatewaySpec | None = None,
        pulse: Callable[[], Pulse] = Pulse,
    ) -> None:
        count = 0 if spec is None else spec.count
        self._all = [_Gateway(launcher, clock, observe, spec, n + 1, pulse) for n in range(count) if spec]

    @property
    def running(self) -> bool:
        return any(one.running for one in self._all)

    def start(self) -> None:
        """Start them all, and from now on each that has ended."""
        for one in self._all:
            one.start()

    def settle(self) -> None:
        """Start none again: the supervisor ends, and open answers are on their way to their ends."""
        for one in self._all:
            one.settled = True

    def stop(self) -> None:
        """End them: every answer has had its end."""
        self.settle()
        for one in self._all:
            one.stop()

    def tick(self) -> None:
        """Do what is due, and ask for the next tick."""
        for one in self._all:
            one.tick()


class _Gateway:
    """One place for a process: at most one at a time."""

    def __init__(
        self,
        launcher: Launcher,
        clock: Clock,
        observe: Observe,
        spec: GatewaySpec,
        number: int,
        pulse: Callable[[], Pulse],
    ) -> None:
        self._launcher, self._clock, self._observe, self._new_pulse = launcher, clock, observe, pulse
        self._spec, self._number, self._starts = spec, number, itertools.count()
        self._restarts = Restarts()
        self._process: WorkerProcess | None = None
        self._pulse: Pulse | None = None
        self._watch = Watch(0.0, spec.silent)
        self._identity, self._began, self._look_at = "", 0.0, 0.0
        self._start_at: float | None = None
        self._kill_at: float | None = None
        self.settled = False

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        self._start_at, self._began = None, self._clock.now()
        self._identity = f"gateway.{self._number}.{next(self._starts)}"
        try:
            self._process = self._launched(self._spec)
        except AiPalError as error:
            self._observe("gateway_not_started", worker=self._identity, reason=error.failure.message)
            self._again()
            return
        self._observe("gateway_started", worker=self._identity, pid=self._process.pid)
        self._watch = Watch(self._began, self._spec.silent)
        self._look_later(self._began)

    def _launched(self, spec: GatewaySpec) -> WorkerProcess:
        try:
            self._pulse = self._new_pulse()
        except OSError as error:
            fail(Code.SPAWN_FAILED, f"a gateway could not be started: {error.strerror}")
        child = self._pulse.child
        args = (*spec.args, "--pulse", str(child))
        what = LaunchSpec(self._identity, spec.module, args, spec.environment, serves=True, files=(child,))
        try:
            return self._launcher.launch(what, partial(self._exited, self._identity))
        except AiPalError:
            self._pulse.close()
            raise
        finally:
            self._pulse.given()

    def stop(self) -> None:
        if self._process is not None and self._kill_at is None:
            self._kill_at = self._clock.now() + TERM
            self._clock.wake_at(self._kill_at)
            self._process.terminate()

    def tick(self) -> None:
        now = self._clock.now()
        if self._process is not None and self._kill_at is not None:
            self._due(self._kill_at, now, self._process.kill)
        elif self._process is not None:
            self._due(self._look_at, now, self._look)
        elif self._process is None and self._start_at is not None and not self.settled:
            self._due(self._start_at, now, self.start)

    def _look(self) -> None:
        assert self._process is not None
        assert self._pulse is not None
        now = self._clock.now()
        self._look_later(now)
        if self._watch.hangs(now, felt=self._pulse.felt()):
            self._observe("gateway_hung", worker=self._identity, pid=self._process.pid)
            self._process.kill()

    def _look_later(self, now: float) -> None:
        self._look_at = now + self._watch.every
        self._clock.wake_at(self._look_at)

    def _due(self, when: float, now: float, act: Callable[[], None]) -> None:
        if now >= when:
            act()
        else:
            self._clock.wake_at(when)

    def _exited(self, identity: str, status: ExitStatus) -> None:
        if identity != self._identity or self._process is None:
            return
        tail = "" if self.settled else self._process.stderr_tail()
        self._process = None
        if self._pulse is not None:
            self._pulse.close()
        self._observe(
            "gateway_exited", worker=identity, code=status.code, signal=status.signal,
            planned=self.settled, detail=tail,
        )  # fmt: skip
        self._again()

    def _again(self) -> None:
        """Ask for the next tick: at once where somebody waits for the end."""
        now = self._clock.now()
        self._start_at = now if self.settled else now + self._restarts.wait(now - self._began)
        self._clock.wake_at(self._start_at)
