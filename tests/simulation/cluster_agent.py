"""The agent of the simulated cluster: the rules of `ai_pal.cluster.agent` over the same lease, without its
sockets and processes."""

import random
from collections.abc import Callable

from ai_pal.cluster import leases
from ai_pal.cluster.agent import WELCOME_SECONDS
from ai_pal.protocol import cluster as wire
from ai_pal.transport.lease import Lease
from tests.simulation.cluster_hosts import Host

LATE = 0.02
"""Seconds by which a look may come too late."""

DYING = 0.03
"""Seconds that a killed process takes to be gone."""

Frame = wire.FromAgent | wire.ToAgent | None
"""What goes over a connection; None is a sign of life."""


class Agent:
    """`send` takes what it says, `gone` hears of its end. It is `computing` while its worker runs."""

    def __init__(
        self,
        host: Host,
        dice: random.Random,
        ticket: wire.Ticket,
        send: Callable[[Frame], None],
        gone: Callable[[], None],
    ) -> None:
        self.host, self.worker = host, ticket.worker
        self._dice, self._send, self._gone = dice, send, gone
        self._began = self._beat_at = host.now()
        self._lease = Lease(leases.LEASE, self._began)
        self._welcomed = self._killed = False
        self._greeted: list[float] = []
        self.computing = False
        self.is_over = False
        self.launches = 0

    def begin(self) -> None:
        self._look()

    def take(self, frame: Frame) -> None:
        """Something came over its connection."""
        if self.is_over:
            return
        self._lease.heard()
        match frame:
            case wire.Welcome() if not self._welcomed and leases.is_fresh(
                self._greeted, frame.number, self.host.now()
            ):
                self._welcomed = True
                self._lease = Lease(leases.LEASE, self.host.now())
                self.computing, self.launches = True, self.launches + 1
                self._send(wire.Launched(self.worker, 7))
            case wire.Signal() if self.computing:
                self._die(frame.number)

    def disconnected(self) -> None:
        if self._welcomed:
            self.end()

    def end(self) -> None:
        """Nobody wants it any more."""
        if not self._welcomed:
            self.kill()
        elif not self._killed:
            self._die(wire.KILL)

    def exit(self, code: int) -> None:
        """Its worker ends by itself."""
        if self.computing:
            self.computing = False
            self._finish(wire.Ended(self.worker, code=code))

    def kill(self) -> None:
        """It ends without another word, and its worker with it."""
        if not self.is_over:
            self.computing, self.is_over = False, True
            self._gone()

    def _look(self) -> None:
        if self.is_over:
            return
        now = self.host.now()
        if self._welcomed and self._lease.over(now):
            self.end()
        if not self._welcomed and now - self._began >= WELCOME_SECONDS:
            self.end()
        if now >= self._beat_at:
            self._beat_at = now + leases.BEAT
            if self._welcomed:
                self._send(None)
            else:
                self._send(wire.Greeting(self.worker, "1", len(self._greeted)))
                self._greeted.append(now)
        self.host.after(leases.LOOK + self._dice.uniform(0.0, LATE), self._look)

    def _die(self, number: int) -> None:
        if not self._killed:
            self._killed = True
            self.host.after(self._dice.uniform(0.0, DYING), lambda: self._died(number))

    def _died(self, number: int) -> None:
        if self.computing:
            self.computing = False
            self._finish(wire.Ended(self.worker, signal=number))

    def _finish(self, end: wire.Ended) -> None:
        self._send(end)
        self.is_over = True
        self._gone()
