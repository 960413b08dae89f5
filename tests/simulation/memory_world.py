"""A machine of limited memory in virtual time, with supervisors that share it: real supervisors and pools,
simulated processes that take their memory step by step."""

import heapq
import itertools
import random
from collections.abc import Callable, Sequence

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, fail
from ai_pal.memory import Claims
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Usage
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.admission import MemoryPolicy
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.sockets import Blob
from tests.local_router import NoDownloads, ask
from tests.simulation import memory_oracle as oracle

UNIT = 10_000_000
"""Bytes: sizes below are in these."""
CAPACITY = 100 * UNIT
SPARE = 30 * UNIT
STEPS = 4
POLICY = PoolPolicy(lifecycle.Policy(memory_wait=30.0), keep_alive=20.0, spare_engines=("spared",))
TERMINAL = (*wire.TERMINAL, wire.Loaded)


class Machine:
    """Time, memory, and the ledger that the supervisors share."""

    def __init__(self, seed: int, sizes: dict[str, int], low: int = 0) -> None:
        self.dice, self.low = random.Random(seed), low
        self.sizes = {model: size * UNIT for model, size in sizes.items()}
        self.now = 0.0
        self.processes: list[Process] = []
        self.fullest = 0
        self.rows: dict[object, Claims] = {}
        self.hosts: list[Host] = []
        self.outside, self.changed = 0, 0.0
        self.evictions = 0
        self.capacity, self.spare = CAPACITY, SPARE
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, delay: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._numbers), call))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, call = heapq.heappop(self._events)
            call()
            self.fullest = max(self.fullest, self.taken)
        self.now = max(self.now, until)

    @property
    def taken(self) -> int:
        return sum(process.taken for process in self.processes)

    def free(self) -> int:
        return CAPACITY - self.taken - self.outside

    def others_take(self, size: int) -> None:
        """Programs outside come to have so much; soon enough nothing that can go is in their way."""
        self.outside, self.changed = size, self.now
        for host in self.hosts:
            self.after(oracle.PATIENCE, lambda host=host: oracle.check_relief(host))  # type: ignore[misc]

    def committed(self, admitted: ModelWorker) -> int:
        return sum(oracle.committed(host, admitted) for host in self.hosts)

    def owner(self, model_worker: ModelWorker) -> "Host":
        return next(host for host in self.hosts if model_worker in list(host.supervisor.pool))

    def pressure(self) -> float:
        return 0.0


class Process:
    """A worker: says hello, takes its memory in steps, answers, and gives all back when it ends."""

    def __init__(self, host: "Host", worker: str, on_exit: Callable[[ExitStatus], None]) -> None:
        self._host, self._machine, self._worker, self._on_exit = host, host.machine, worker, on_exit
        self.model = worker.partition(".")[0]
        self.taken, self.pid, self.ended = 0, 1, False
        self._crashes = self._machine.dice.random() < 0.1
        self._machine.processes.append(self)
        self._soon(lambda: self._tell(inner.WorkerHello(1)))

    def usage(self) -> ProcessUsage:
        return ProcessUsage(self._machine.now, self.taken, 0, self.taken, self.taken)

    def owns(self, pid: int) -> bool:
        return True

    def stderr_tail(self) -> str:
        return ""

    def terminate(self) -> None:
        self._soon(lambda: self._end(ExitStatus(signal=15)), alive=False)

    kill = terminate

    def received(self, message: inner.ToWorker) -> None:
        if isinstance(message, inner.Prepare):
            self.taken = SPARE
        elif isinstance(message, inner.LoadModel):
            self.model = message.model
            self._soon(lambda: self._grow(1))
        elif isinstance(message, inner.Generate):
            done = inner.GenerationDone(message.key, "stop", Usage())
            self._soon(lambda: self._tell(done), scale=10.0)
        elif isinstance(message, inner.CancelGeneration):
            self._soon(lambda: self._tell(inner.GenerationCancelled(message.key)))

    def _grow(self, step: int) -> None:
        self.taken = max(self.taken, self._machine.sizes[self.model] * step // STEPS)
        if self._crashes and step == STEPS // 2:
            self._end(ExitStatus(code=1))
        elif step < STEPS:
            self._soon(lambda: self._grow(step + 1))
        else:
            self._tell(inner.Ready(2, 100))
            self._beat()

    def _beat(self) -> None:
        self._tell(inner.Beat(int(self._machine.now * 100), 0))
        self._machine.after(1.0, lambda: None if self.ended else self._beat())

    def _tell(self, message: inner.FromWorker) -> None:
        self._host.supervisor.worker_message(self._worker, message)

    def _soon(self, call: Callable[[], None], scale: float = 1.0, *, alive: bool = True) -> None:
        delay = self._machine.dice.random() * scale
        self._machine.after(delay, lambda: None if self.ended else call())

    def _end(self, status: ExitStatus) -> None:
        self.ended, self.taken = True, 0
        self._machine.processes.remove(self)
        self._machine.after(0.02, lambda: self._on_exit(status))


class Host:
    """One supervisor on the machine, and its clients' view of it."""

    def __init__(self, machine: Machine, max_loaded: int = 0) -> None:
        self.machine = machine
        self.ends: dict[int, list[wire.Event]] = {}
        self._processes: dict[str, Process] = {}
        self._ids = itertools.count(1)
        self._armed: float | None = None
        self.launched: list[str] = []
        policy = MemoryPolicy(low=machine.low, max_loaded=max_loaded)
        admission = oracle.Judged(machine, self, self, policy)
        admission.machine = machine
        self.supervisor = Supervisor(
            clients=self,
            workers=Workers(self._processes),
            launcher=self,
            clock=self,
            resolve=self._resolve,
            jitter=machine.dice.random,
            observe=self._observe,
            policy=POLICY,
            admission=admission,
        )
        self.models = LocalModels(self.supervisor, NoDownloads(), self)
        machine.hosts.append(self)

    def chat(self, model: str) -> None:
        request = next(self._ids)
        self.ends[request] = []
        chat = wire.Chat(request, [Message("user", "x")], model)
        handle = ask(self.models, self, b"c", chat)
        if self.machine.dice.random() < 0.1:
            self.machine.after(1.0, handle.cancel)

    def load(self, model: str) -> None:
        request = next(self._ids)
        self.ends[request] = []
        self.models.load(b"c", wire.Load(request, model))

    # Clients, Clock, Launcher, Ledger, Footprints.

    def _observe(self, event: str, **fields: object) -> None:
        if event == "model_evicted":
            self.machine.evictions += 1
            oracle.check_eviction(self, str(fields["model"]))

    def send(self, client: bytes, event: wire.Event) -> None:
        oracle.check_refusal(event)
        if isinstance(event, TERMINAL):
            self.ends[event.id].append(event)

    def now(self) -> float:
        return self.machine.now

    def wake_at(self, when: float) -> None:
        if self._armed is None or when < self._armed:
            self._armed = when
            self.machine.after(max(0.0, when - self.machine.now), lambda: self._fire(when))

    def _fire(self, when: float) -> None:
        if self._armed == when:  # else an earlier alarm came instead
            self._armed = None
            self.supervisor.tick()

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        self.launched.append(spec.worker)
        if self.machine.dice.random() < 0.05:
            fail(Code.SPAWN_FAILED, "no process to be had", retryable=True)
        process = self._processes[spec.worker] = Process(self, spec.worker, on_exit)
        return process

    def enter(self) -> Claims | None:
        if self.machine.dice.random() < 0.1:
            return None
        others = [row for owner, row in self.machine.rows.items() if owner is not self]
        return Claims(sum(row.taken for row in others), sum(row.promised for row in others))

    def leave(self, mine: Claims) -> None:
        self.machine.rows[self] = mine

    def need(self, load: inner.LoadModel) -> int:
        return self.machine.sizes[load.model]

    def headroom(self, load: inner.LoadModel) -> int:
        return 7 * UNIT

    def reads(self, load: inner.LoadModel) -> float:
        return 0.0

    def learn(self, load: inner.LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None:
        assert peak <= self.machine.sizes[load.model]

    def _resolve(self, reference: str) -> Resolved:
        if reference not in self.machine.sizes:
            fail(Code.MODEL_NOT_FOUND, f"there is no model {reference}")
        engine = "spared" if reference.startswith("spared") else "echo"
        return Resolved(inner.LoadModel(reference, engine), pinned=reference == "pinned")


class Workers:
    """Takes messages to the processes of one host."""

    def __init__(self, processes: dict[str, Process]) -> None:
        self._processes = processes

    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        process = self._processes.get(worker)
        if process is None or process.ended:
            return False
        process.received(message)
        return True
