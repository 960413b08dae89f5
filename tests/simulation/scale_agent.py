"""An agent of a large simulated cluster and the echo worker beside it: what they say, and when."""

import random
from collections.abc import Callable

from ai_pal import __version__
from ai_pal.cluster import leases
from ai_pal.cluster.usage import UsageNews
from ai_pal.protocol import cluster as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.nodes.base import ProcessUsage
from tests.simulation.clock import VirtualTime
from workers.loop import BEAT_SECONDS

LAUNCHES, LOADS = 0.1, 0.05
MEMORY = 10_000_000
SIGN_OF_LIFE = b""


class ScaleAgent:
    """`say` takes what it says itself, `relay` what its worker does."""

    def __init__(
        self,
        worker: str,
        time: VirtualTime,
        dice: random.Random,
        say: Callable[[bytes], None],
        relay: Callable[[bytes], None],
    ) -> None:
        self._worker, self._time, self._dice = worker, time, dice
        self._say, self._relay = say, relay
        self._welcomed = self._over = False
        self._seconds = 0.0
        self._usage = UsageNews()

    def begin(self) -> None:
        """It is let in."""
        self._say(wire.encode(wire.Greeting(self._worker, __version__)))
        self._time.after(self._dice.uniform(0.0, leases.BEAT), self._beat)

    def end(self) -> None:
        self._over = True

    def take(self, message: wire.ToAgent) -> None:
        """Of the cluster process."""
        if isinstance(message, wire.Welcome) and not self._welcomed:
            self._welcomed = True
            self._say(wire.encode(wire.Launched(self._worker, 7)))
            self._time.after(LAUNCHES, lambda: self._speak(inner.WorkerHello(7, __version__)))
            self._time.after(LAUNCHES + self._dice.uniform(0.0, BEAT_SECONDS), self._worker_beat)
        elif isinstance(message, wire.Signal):
            self._say(wire.encode(wire.Ended(self._worker, signal=message.number)))
            self.end()

    def work(self, message: inner.AnyToWorker) -> None:
        """Of the supervisor, to its worker."""
        if isinstance(message, inner.LoadModel):
            self._time.after(LOADS, lambda: self._speak(inner.Ready(4, 4096)))

    def _beat(self) -> None:
        """A sign of life, and what the worker has used: a little more each time."""
        if self._over:
            return
        self._seconds += 0.001
        usage = ProcessUsage(self._seconds, 3 * MEMORY, 0, 2 * MEMORY, 2 * MEMORY)
        if self._welcomed and self._usage.is_news(usage, self._time.now()):
            used = wire.Used(self._worker, usage.cpu, usage.memory, usage.read, usage.private, usage.peak)
            self._say(wire.encode(used))
        else:
            self._say(SIGN_OF_LIFE)
        self._time.after(leases.BEAT, self._beat)

    def _worker_beat(self) -> None:
        self._speak(inner.Beat(0, 0))
        if not self._over:
            self._time.after(BEAT_SECONDS, self._worker_beat)

    def _speak(self, message: inner.FromWorker) -> None:
        if not self._over:
            self._relay(inner.encode(message))
