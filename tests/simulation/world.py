"""The world of one seed: real supervisor and doors, simulated clock, processes, connections and clients."""

import itertools
import random
from collections.abc import Callable, Sequence

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.front_door import FrontDoor, Identity
from ai_pal.launchers.base import LaunchSpec
from ai_pal.lifecycle import ExitStatus
from ai_pal.messages import client as wire
from ai_pal.messages import worker as inner
from ai_pal.router.completions import Completions
from ai_pal.router.inquiries import Inquiries
from ai_pal.router.local import LocalModels
from ai_pal.store.ledger import Attempt
from ai_pal.supervisor.downloads import Downloads
from ai_pal.supervisor.egress import MODULE, EgressProcess
from ai_pal.supervisor.ports import Resolved
from ai_pal.supervisor.supervisor import Supervisor
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from ai_pal.worker_door import WorkerDoor
from tests.local_router import OnlyHere
from tests.simulation.checks import Checks, ViolationError
from tests.simulation.client import SimClient
from tests.simulation.clock import VirtualClock, VirtualTime
from tests.simulation.elsewhere import (
    COMPLETIONS,
    EGRESS,
    ROUTER,
    SimEgress,
    SimSurvey,
    judge,
    provider_tempers,
)
from tests.simulation.hub import FetchChecks, SimHub
from tests.simulation.plans import POLICY, Fault, Temper, draw, tempers
from tests.simulation.routing_checks import (
    RoutingChecks,
    WatchedCompletions,
    WatchedLocal,
    WatchedRouter,
)
from tests.simulation.worker import SimWorker

UID = 1000
BACKLOG = 2000
DRAIN = 3.0
ACTIVE = 40.0
"""Seconds in which clients do something."""
HORIZON = 400.0
"""Seconds after which all must be quiet."""

Fails = Callable[[str], bool]
"""Whether this operation ("spawn", "to_worker", "from_worker", "to_client", "from_client") fails now."""


class World:
    """One history. `rough`: connections are full at times, the machine stands still, and the supervisor may
    be stopped. Of the deeds that are drawn, `only` those with these numbers are done."""

    def __init__(
        self,
        seed: int,
        models: dict[str, Temper] | None = None,
        fails: Fails = lambda operation: False,
        rough: bool = True,
        tiers: bool | None = None,
        only: frozenset[int] | None = None,
    ) -> None:
        self.seed, self.dice, self.fails, self.rough = seed, random.Random(seed), fails, rough
        self._notes: list[tuple[float, tuple[object, ...]]] = []
        self.time = VirtualTime()
        self.clock = VirtualClock(self.time)
        self.checks = Checks(self)
        self.routing = RoutingChecks(self)
        self.tempers = tempers(self.dice) if models is None else models
        self.tiers = (models is None and self.dice.random() < 0.5) if tiers is None else tiers
        self.providers = provider_tempers(self.dice)
        self.hub, self.fetching = SimHub(self), FetchChecks(self)
        self.egress_processes: list[SimEgress] = []
        self._asks = itertools.count(1)
        self._disk_full_until = 0.0
        self._only = only
        self.deeds = 0
        self.workers: dict[str, SimWorker] = {}
        self.clients: dict[str, SimClient] = {}
        self.stopped, self.stopped_at = False, 0.0
        self._pids = 100
        self._reported: set[str] = set()
        self.door = FrontDoor(
            identity=Identity("sim", 1, UID, "sim"),
            clock=self.clock,
            send_frames=self._to_client,
            request_flush=lambda: self.time.after(0.0, self.door.flush),
            stop=self.shutdown,
            memory=lambda: 0,
            backlog_limit=BACKLOG,
            left=self._cut_off,
        )
        worker_door = WorkerDoor(self._to_worker, self._observe)
        self.egress = worker_door.egress = EgressProcess(
            self, worker_door.send_egress, self.clock, self._observe, EGRESS, dict
        )
        self.completions = Completions(
            egress=self.egress, clock=self.clock, observe=self._observe, policy=COMPLETIONS
        )
        local = LocalModels()
        self.router = self.door.router = WatchedRouter(
            self.routing,
            clients=self,
            local=WatchedLocal(local, self.routing),
            completions=WatchedCompletions(self.completions, self.routing),
            survey=SimSurvey(tuple(self.tempers)) if self.tiers else OnlyHere(),
            books=self,
            judge=judge,
            clock=self.clock,
            observe=self._observe,
            policy=ROUTER,
        )
        self.door.inquiries = Inquiries(self, self.completions, list)
        self.completions.on_event = self.routing.heard
        self.supervisor = self.door.supervisor = worker_door.supervisor = local.supervisor = Supervisor(
            clients=self.router,
            workers=worker_door,
            launcher=self,
            clock=self.clock,
            resolve=self._resolve,
            jitter=self.dice.random,
            observe=self._observe,
            policy=POLICY,
        )
        self.downloads = self.door.downloads = local.downloads = Downloads(
            clients=self.router,
            egress=self.egress,
            clock=self.clock,
            plan=self.hub.plan,
            observe=self._observe,
            policy=EGRESS,
        )
        self.downloads.resume, self.supervisor.fetch_first = local.resume, local.fetch_first
        self._worker_door = worker_door
        self.clock.alarm = self._alarm

    def run(self) -> None:
        """Play the whole history. Raises `ViolationError`, whose message holds the seed and the history."""
        try:
            for number in range(self.dice.randint(1, 4)):
                self._add_client(f"client{number}")
            if self.rough and self.dice.random() < 0.25:
                self._plan(self.shutdown)
            if self.rough and self.dice.random() < 0.3:
                self._plan(self._stand_still)
            if self.rough and self.dice.random() < 0.3:
                self._plan(self._fill_disk)
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

    def next_pid(self) -> int:
        self._pids += 1
        return self._pids

    def living(self, model: str) -> SimWorker | None:
        """The process of this model whose end has not been reported."""
        ours = [worker for worker in self.workers.values() if worker.model == model]
        return next((worker for worker in ours if worker.identity not in self._reported), None)

    def unreachable(self, identity: str) -> bool:
        """Whether what is sent to this worker may not have arrived so far."""
        worker = self.workers.get(identity)
        return worker is None or worker.frozen or worker.from_supervisor.troubled

    def shutdown(self) -> None:
        """As SIGTERM does; the supervisor has to end in time."""
        if self.supervisor.pool.closing:
            return
        self.note("shutdown")
        self.router.shutdown(DRAIN)
        self.supervisor.shutdown(DRAIN)
        self.downloads.shutdown()
        self.egress.shutdown()
        limit = DRAIN + max(POLICY.worker.terminate_timeout, EGRESS.term) + 0.3
        self.checks.after(limit, lambda: self.checks.expect(self.stopped, f"not stopped after {limit} s"))
        self._check_stopped()

    # -- Clients, Books and Launcher, as the supervisor sees them -------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        self.checks.bounds()
        self.checks.emitted(client, event)
        self.routing.emitted(client, event)
        self.door.send(client, event)

    def record(self, attempt: Attempt) -> bool:
        self.routing.recorded(attempt)
        return not self.disk_full

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "SimWorker | SimEgress":
        if spec.module == MODULE:
            return self._launch_egress(spec, on_exit)
        model = spec.worker.split(".")[0]
        self.checks.launching(model)
        self.checks.expect(not self.hub.lacks(model), f"{model} is loaded, but not here")
        plan = draw(self.dice, self.tempers[model])
        self.note(spec.worker, "starts", plan)
        if plan.fault is Fault.NO_SPAWN or self.fails("spawn"):
            self.checks.died(model)
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))

        def reported(status: ExitStatus) -> None:
            self.note(f"{spec.worker} has ended")
            self._reported.add(spec.worker)
            self.checks.died(model)
            if not self.stopped:
                on_exit(status)
                self._check_stopped()

        worker = SimWorker(self, model, spec.worker, plan, reported)
        self.workers[spec.worker] = worker
        return worker

    def _launch_egress(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> SimEgress:
        if self.rough and self.dice.random() < 0.05:
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had", retryable=True))

        def reported(status: ExitStatus) -> None:
            self.note(f"{spec.worker} has ended")
            if not self.stopped:
                on_exit(status)
                self._check_stopped()

        process = SimEgress(self, spec.worker, reported)
        self.note(spec.worker, "starts")
        self.egress_processes.append(process)
        return process

    # -- what arrives --------------------------------------------------------------------------

    def from_client(self, identity: bytes, frames: list[bytes]) -> None:
        if self.stopped or self.fails("from_client"):
            return
        for frame in frames:
            self._watch(frame)
        self.door.received(identity, frames, Peer(UID, 1))
        self.checks.bounds()

    def from_worker(self, identity: str, frames: list[bytes], pid: int) -> None:
        if self.stopped:
            return
        if identity in self.workers and self.fails("from_worker"):
            frames = [frame[:-1] for frame in frames]
            self.workers[identity].garbled = True
        self._worker_door.received(identity.encode(), frames, Peer(UID, pid))
        self.checks.bounds()

    def client_died(self, identity: bytes) -> None:
        if not self.stopped:
            self.door.gone(identity)

    def _watch(self, frame: bytes) -> None:
        try:
            request = wire.decode_request(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return
        if isinstance(request, wire.Load):
            self.checks.reset_crashes(request.model)
        if isinstance(request, wire.Unload):
            self.checks.unloading(request.model)

    # -- what leaves ---------------------------------------------------------------------------

    def _to_client(self, identity: bytes, frames: Sequence[bytes]) -> Sent:
        if self.fails("to_client"):
            return Sent.FULL
        return self.clients[identity.decode()].down.send(frames)

    def _to_worker(self, identity: bytes, frames: Sequence[bytes]) -> Sent:
        for process in self.egress_processes:
            if process.identity == identity.decode():
                return process.from_supervisor.send(frames)
        worker = self.workers.get(identity.decode())
        if worker is None:
            return Sent.GONE
        if self.fails("to_worker"):
            worker.from_supervisor.full_until = self.time.now()  # full for this moment
            sent = Sent.FULL
        else:
            sent = worker.from_supervisor.send(frames)
        for frame in frames:
            message = inner.decode_to_worker(frame)
            self.note("to", worker.identity, message, sent.value)
            if isinstance(message, inner.Generate) and sent is Sent.OK:
                self.checks.dispatched(message.key)
            if isinstance(message, inner.CancelGeneration) and sent is Sent.OK:
                self.checks.cancelled_keys.add(message.key)
        return sent

    def _cut_off(self, client: bytes) -> None:
        """The door has let go of a client; one that still runs was too slow."""
        left = self.clients[client.decode()]
        self.note(f"{left.name} is let go")
        left.gone = True
        self.time.after(0.0, lambda: self.checks.client_left(client))

    # -- inside --------------------------------------------------------------------------------

    def _alarm(self) -> None:
        if self.stopped:
            return
        self.checks.alarm()
        self.supervisor.tick()
        self.router.tick()
        self.completions.tick()
        self.downloads.tick()
        self.egress.tick()
        self.door.tick()
        self._check_stopped()

    def _check_stopped(self) -> None:
        quiet = self.supervisor.idle and not len(self.router) and not self.egress.running
        if self.supervisor.pool.closing and quiet and not self.stopped:
            self.door.flush()
            self.note("stopped")
            self.stopped, self.stopped_at = True, self.time.now()

    def _observe(self, event: str, **fields: object) -> None:
        self.note(event, fields)
        if event == "model_failed":
            self.checks.gave_up(str(fields["model"]), str(fields["code"]))
        elif event == "worker_phase" and fields["phase"] == "ready":
            self.checks.reset_crashes(str(fields["model"]))

    def _resolve(self, reference: str) -> Resolved:
        if reference not in self.tempers:
            raise AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {reference!r}"))
        if self.hub.lacks(reference):
            raise AiPalError(Failure(Code.MODEL_NOT_HERE, f"{reference} is not on this machine"))
        return Resolved(inner.LoadModel(reference, "echo"), size=1_000_000_000)

    def _add_client(self, name: str) -> None:
        client = self.clients[name] = SimClient(self, name)
        for _ in range(self.dice.randint(5, 25)):
            self._plan(client.act)
        if self.rough and self.dice.random() < 0.5:
            self._plan(self._jam)

    @property
    def disk_full(self) -> bool:
        """Nothing can be written now: no row, no piece of a model."""
        return self.time.now() < self._disk_full_until

    def _fill_disk(self) -> None:
        self.note("the disk is full")
        self.checks.happened["disk full"] += 1
        self._disk_full_until = self.time.now() + self.dice.uniform(0.1, 20.0)

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
        ways = [w.from_supervisor for w in self.workers.values() if not w.exited]
        ways += [client.down for client in self.clients.values()]
        self.note("a connection is full")
        self.dice.choice(ways).full_until = self.time.now() + self.dice.uniform(0.1, 1.0)
