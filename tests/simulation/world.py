"""The world of one seed: real supervisor and endpoints; clock, processes and clients simulated."""

import itertools
import random
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.server.router.timeouts import SILENCE
from ai_pal.store.ledger import Attempt
from ai_pal.transport.channel import Sent, bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.sockets import Blob
from tests.simulation.checks import Checks, ViolationError
from tests.simulation.client import SimClient
from tests.simulation.clock import VirtualClock, VirtualTime
from tests.simulation.daemon import STOP_SECONDS, UID, SimDaemon
from tests.simulation.doubts import SimDoubts
from tests.simulation.elsewhere import provider_tempers
from tests.simulation.hub import FetchChecks, SimHub
from tests.simulation.machine import SimMachine
from tests.simulation.memory import SimMemory
from tests.simulation.plans import REPLICATED, Temper, tempers, with_replicas
from tests.simulation.routing_checks import RoutingChecks
from tests.simulation.watching import Watching
from tests.simulation.work import Work

ACTIVE = 40.0
"""Seconds in which clients do something."""
HORIZON = 400.0 + SILENCE
"""Seconds after which all must be quiet: a model here fails again and again, then an Ollama is waited for."""

WATCHED = 4
"""Every so many-th history is looked on at: that costs time."""

Fails = Callable[[str], bool]
"""Whether this operation ("spawn", "to_worker", "from_worker", "to_client", "from_client") fails now."""


class World:
    """One history. `rough`: connections are full at times, the machine stands still, and the supervisor may
    be stopped. Of the deeds that are drawn, `only` those with these numbers are done. With `doubts` models
    can tell when they are not sure, with `replicas` some have several workers; None: the seed says. `late`:
    whoever is asked beside a doubted answer begins when that is shown already."""

    def __init__(
        self,
        seed: int,
        models: dict[str, Temper] | None = None,
        fails: Fails = lambda operation: False,
        rough: bool = True,
        tiers: bool | None = None,
        only: frozenset[int] | None = None,
        doubts: bool | None = None,
        replicas: bool | None = None,
        late: bool = False,
    ) -> None:
        self.seed, self.dice, self.fails, self.rough = seed, random.Random(seed), fails, rough
        self._notes: list[tuple[float, tuple[object, ...]]] = []
        self.time = VirtualTime()
        self.clock = VirtualClock(self.time)
        self.checks = Checks(self)
        self.routing = RoutingChecks(self)
        self.tempers = tempers(self.dice) if models is None else models
        drawn = models is None and random.Random(f"replicated {seed}").random() < REPLICATED
        self.replicated = drawn if replicas is None else replicas
        if self.replicated:
            self.tempers = with_replicas(seed, self.tempers)
        self.tiers = (models is None and self.dice.random() < 0.5) if tiers is None else tiers
        self.providers = provider_tempers(self.dice)
        self.doubts = SimDoubts(seed, doubts if self.tiers and models is None else False, late=late)
        self.hub, self.fetching = SimHub(self), FetchChecks(self)
        self._asks = itertools.count(1)
        self._only = only
        self.deeds = 0
        self.clients: dict[str, SimClient] = {}
        self.stopped, self.stopped_at = False, 0.0
        self.machine, self.memory = SimMachine(self), SimMemory(self, list(self.tempers), models is None)
        self.daemon = SimDaemon(self)
        self.clock.alarm = self._alarm
        self.watching = Watching(self)

    def run(self) -> None:
        """Play the whole history. Raises `ViolationError`, whose message holds the seed and the history."""
        try:
            if self.seed % WATCHED == 0:
                self.watching.start(ACTIVE + 20.0)
            for number in range(self.dice.randint(1, 4)):
                self._add_client(f"client{number}")
            if self.rough and self.dice.random() < 0.25:
                self._plan(self.shutdown)
            if self.rough and self.dice.random() < 0.3:
                self._plan(self._stand_still)
            if self.rough and self.dice.random() < 0.3:
                self._plan(self._fill_disk)
            if self.rough and self.memory.scarce:
                for _ in range(self.dice.randrange(3)):
                    self._plan(self.memory.others_take)
            self.time.run(HORIZON)
            self.checks.finally_quiet()
        except Exception as error:
            raise ViolationError(f"{self.history()}\n\nseed {self.seed}: {error!r}") from error

    def _plan(self, deed: Callable[[], None]) -> None:
        """Something that is done at a random moment, unless it is left out."""
        when = self.dice.uniform(0, ACTIVE)
        if self._only is None or self.deeds in self._only:
            self.time.at(when, deed)
        self.deeds += 1

    def next_ask(self) -> int:
        """A number for one chat of one client."""
        return next(self._asks)

    def note(self, *parts: object) -> None:
        """For the history; put into words only when somebody reads it."""
        self._notes.append((self.time.now(), parts))

    def history(self) -> str:
        return "\n".join(f"{when:9.3f} {' '.join(map(str, parts))}" for when, parts in self._notes)

    def shutdown(self) -> None:
        """As SIGTERM does; the supervisor has to end in time."""
        if self.daemon.stopping:
            return
        self.note("shutdown")
        self.daemon.shutdown()
        late = f"not stopped after {STOP_SECONDS} s"
        self.checks.after(STOP_SECONDS, lambda: self.checks.expect(self.stopped, late))
        self._check_stopped()

    # -- Clients and Books, as the router sees them ----------------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        self.checks.bounds()
        if self.watching.told(client, event):
            return
        self.checks.emitted(client, event)
        self.routing.emitted(client, event)
        self.daemon.endpoint.send(client, event)

    def record(self, attempt: Attempt) -> bool:
        self.routing.recorded(attempt)
        return not self.machine.disk_full

    # -- what arrives --------------------------------------------------------------------------

    def from_client(self, identity: bytes, frames: list[bytes]) -> None:
        if self.stopped or self.fails("from_client"):
            return
        for frame in frames:
            self._watch(frame)
        self.daemon.endpoint.received(identity, frames, Peer(UID, 1))
        self.checks.bounds()

    def from_worker(self, identity: str, frames: list[bytes], pid: int) -> None:
        if self.stopped:
            return
        if identity in self.machine.workers and self.fails("from_worker"):
            frames = [frame[:-1] for frame in frames]
            self.machine.workers[identity].garbled = True
        self.daemon.worker_endpoint.received(identity.encode(), frames, Peer(UID, pid))
        self.checks.bounds()

    def process_ended(self, identity: str, report: Callable[[], None]) -> None:
        """The end of a process comes to the supervisor's notice."""
        self.note(f"{identity} has ended")
        if not self.stopped:
            report()
            self._check_stopped()

    def client_died(self, identity: bytes) -> None:
        if not self.stopped:
            self.daemon.endpoint.gone(identity)

    def _watch(self, frame: bytes) -> None:
        try:
            request = wire.decode_request(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return
        if isinstance(request, wire.Load):
            self.checks.load_wanted(request.model)
        if isinstance(request, wire.Unload):
            self.checks.unloading(request.model)

    # -- what leaves ---------------------------------------------------------------------------

    def to_client(self, identity: bytes, frames: Sequence[bytes]) -> Sent:
        if self.fails("to_client"):
            return Sent.FULL
        return self.clients[identity.decode()].down.send(frames)

    def to_worker(self, identity: bytes, blobs: Sequence[Blob]) -> Sent:
        """One message: what the worker is told, and behind it the attachments of that."""
        frames = [bytes_of(blob) for blob in blobs]
        for process in self.machine.egresses:
            if process.identity == identity.decode():
                return process.from_supervisor.send(frames)
        worker = self.machine.workers.get(identity.decode())
        if worker is None:
            return Sent.GONE
        if self.fails("to_worker"):
            worker.from_supervisor.full_until = self.time.now()  # full for this moment
            sent = Sent.FULL
        else:
            sent = worker.from_supervisor.send(frames)
        message = inner.decode_to_worker(frames[0])
        self.note("to", worker.identity, message, sent.value)
        if isinstance(message, inner.Generate | Work) and sent is Sent.OK:
            self.checks.dispatched(message.key)
        if isinstance(message, inner.CancelGeneration) and sent is Sent.OK:
            self.checks.cancelled_keys.add(message.key)
        return sent

    def cut_off(self, client: bytes) -> None:
        """The endpoint has let go of a client; one that still runs was too slow."""
        left = self.clients[client.decode()]
        self.note(f"{left.name} is let go")
        left.gone = True
        self.time.after(0.0, lambda: self.checks.client_left(client))

    # -- inside --------------------------------------------------------------------------------

    def _alarm(self) -> None:
        if self.stopped:
            return
        self.checks.alarm()
        self.daemon.tick()
        self.checks.replicas()
        self._check_stopped()

    def _check_stopped(self) -> None:
        if self.daemon.stopping and self.daemon.quiet and not self.stopped:
            self.daemon.endpoint.flush()
            self.note("stopped")
            self.stopped, self.stopped_at = True, self.time.now()

    def observe(self, event: str, **fields: object) -> None:
        self.note(event, fields)
        self.daemon.activity.observed(event, fields)
        if event == "replica_called":
            self.checks.happened["replica called"] += 1
        if event in ("model_failed", "replica_given_up"):
            self.checks.gave_up(str(fields["model"]), str(fields["code"]))
        elif event == "model_evicted":
            self.memory.evicted(str(fields["model"]))
        elif event == "worker_phase" and fields["phase"] == "ready":
            self.checks.reset_crashes(str(fields["model"]))

    def _add_client(self, name: str) -> None:
        client = self.clients[name] = SimClient(self, name)
        for _ in range(self.dice.randint(5, 25)):
            self._plan(client.act)
        if self.rough and self.dice.random() < 0.5:
            self._plan(self._jam)

    def _fill_disk(self) -> None:
        self.note("the disk is full")
        self.checks.happened["disk full"] += 1
        self.machine.fill_disk(self.dice.uniform(0.1, 20.0))

    def _stand_still(self) -> None:
        """The machine is suspended for a while."""
        seconds = self.dice.choice((self.dice.uniform(0.1, 5.0), self.dice.uniform(5.0, 60.0)))
        self.note(f"the machine stands still for {seconds:.3f} s")
        for client in self.clients.values():
            for ask in client.open():
                ask.late = True
        self.time.jump(seconds)
        self.checks.happened["stood still"] += 1

    def _jam(self) -> None:
        """One connection takes nothing for a moment."""
        ways = [w.from_supervisor for w in self.machine.workers.values() if not w.exited]
        ways += [client.down for client in self.clients.values()]
        self.note("a connection is full")
        self.dice.choice(ways).full_until = self.time.now() + self.dice.uniform(0.1, 1.0)
