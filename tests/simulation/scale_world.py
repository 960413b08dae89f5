"""A large cluster in virtual time: the supervisor's pool, its choice of nodes and the placements of the
cluster process are the real ones; what is simulated is who is far away, and the sockets between."""

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ai_pal import __version__
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.cluster import leases
from ai_pal.cluster.placements import Placements
from ai_pal.cluster.process import BEAT_SECONDS, NODES_SECONDS
from ai_pal.protocol import client as outer
from ai_pal.protocol import cluster as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.egress import EgressBeat, EgressHello
from ai_pal.protocol.node_facts import FilesTold
from ai_pal.server.children.cluster import MODULE, Cluster
from ai_pal.server.children.egress import EgressPolicy, EgressProcess
from ai_pal.server.endpoints.workers import WorkerEndpoint
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.server.pool.admission.admission import MemoryPolicy
from ai_pal.server.pool.nodes.admission import NodeAdmission
from ai_pal.server.pool.nodes.objections import Files
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.channel import Sent
from ai_pal.transport.sockets import Blob, view_of
from tests.endpoints import NoProcess
from tests.gguf_files import gguf
from tests.simulation.clock import VirtualClock, VirtualTime
from tests.simulation.scale_agent import ScaleAgent
from tests.simulation.scale_meter import Meter

GB = 10**9
NODE, NEED = 64 * GB, 2 * GB
PLACE, SIZE = "org/model-0.gguf", 7
FILES = frozenset(f"org/model-{number}.gguf:{SIZE}" for number in range(20))
CARD, LAYERS, LAYER = 12 * GB, 4, 300_000_000
"""A card of a node, and what of each model may lie on it."""

LATENCY = 0.001
STARTS = (0.3, 1.0)
"""Seconds until an agent is there."""

A_SECOND = 500
"""Loads that are asked for."""

ME = b"me"
SUPERVISOR, CLUSTER = "supervisor", "cluster process"


class Scale:
    """`told` counts what clients heard, `ended` are the ends of workers, `sent` messages by their way."""

    address, public, name = "tcp://near:1", "the port's key", "simulated"

    def __init__(self, nodes: int, workers: int, seed: int = 0, cards: Path | None = None) -> None:
        """Each node has a card where there is a folder for files of models that go there."""
        self._model = model_in(cards) if cards is not None else None
        self._on_cards, self._others_have = Counter[str](), dict[str, int]()
        self.time, self.dice, self.meter = VirtualTime(), random.Random(seed), Meter()
        self._clock = VirtualClock(self.time)
        self._memory, self._files = NODE, FilesTold()
        self._facts = [self._fact(f"node{number:04}") for number in range(nodes)]
        self._agents: dict[str, ScaleAgent] = {}
        self._cards: dict[str, tuple[wire.CardShare, ...]] = {}
        self._wanted = workers
        self.loaded = 0
        self.ended: list[wire.Ended] = []
        self.sent = {"to agents": 0, "from agents": 0}
        self.endpoint = WorkerEndpoint(self._from_supervisor, _silent)
        process = EgressProcess(
            self, self.endpoint.send_egress, self._clock, _silent, EgressPolicy(), dict, MODULE,
            wire.decode_from_cluster,
        )  # fmt: skip
        begin = wire.Begin("none", "")
        self.cluster = Cluster(process, begin, self._clock, _silent, lambda worker, line: None)
        self.endpoint.outgoing = (process,)
        files = Files({f"/m/{PLACE}": PLACE}, (wire.ModelFile(PLACE, SIZE),), "/m")
        self.supervisor = self.endpoint.supervisor = Supervisor(
            clients=self,
            workers=self.endpoint,
            launcher=self.cluster,
            clock=self._clock,
            resolve=self._resolve,
            jitter=self.dice.random,
            observe=_silent,
            admission=NodeAdmission(self.cluster, self, MemoryPolicy(), self._clock, lambda load: files),
        )
        self._clock.alarm = lambda: self.meter.run(SUPERVISOR, "a tick of its loop", self._alarm)
        self.placements = Placements(self, self, self, self._tell, __version__)
        self.cluster.start()

    # What happens.

    def place(self) -> None:
        """Load a model for each worker that is wanted, and wait until all are there."""
        self._tell(EgressHello(1, __version__))
        self._beat()
        self._look()
        self._look_at_nodes()
        self.time.run(self.time.now() + 1.0)
        self.meter.begin(self.time.now())
        self._load_all(range(self._wanted))

    def replace(self, count: int) -> None:
        """Load so many other models, where no node has room: idle ones have to go."""
        each = self._wanted // len(self._facts)
        self._memory = each * NEED + NEED // 2
        for node in self._facts:
            card = f"GPU-{node.name}"
            self._others_have[card] = CARD - self._on_cards[card] - LAYER
        self.time.run(self.time.now() + 2 * NODES_SECONDS)
        self.meter.begin(self.time.now())
        self._load_all(range(self._wanted, self._wanted + count))

    def _load_all(self, numbers: range) -> None:
        until = self.time.now() + len(numbers) / A_SECOND + 120.0
        for number in numbers:
            self.time.after(
                (number - numbers.start) / A_SECOND,
                lambda number=number: self._load(number),  # type: ignore[misc]
            )
        while self.loaded < numbers.stop and self.time.now() < until:
            self.time.run(self.time.now() + 0.5)

    def rest(self, seconds: float) -> None:
        """Nobody asks for anything."""
        self.meter.begin(self.time.now())
        self.sent = dict.fromkeys(self.sent, 0)
        self.time.run(self.time.now() + seconds)

    def _load(self, number: int) -> None:
        request = outer.Load(number, f"model-{number}")
        self.meter.run(SUPERVISOR, "a placement", lambda: self.supervisor.load(ME, request))

    def _alarm(self) -> None:
        self.supervisor.tick()
        self.cluster.tick()

    # The cluster process.

    def _tell(self, message: wire.FromCluster) -> None:
        what = f"from the cluster process: {type(message).__name__}"
        if isinstance(message, wire.Ended):
            self.ended.append(message)
        frame = wire.encode(message)
        identity = self.cluster.process.identity.encode()
        self.time.after(LATENCY, lambda: self.meter.run(
            SUPERVISOR, what, lambda: self.endpoint.received(identity, [frame], None)
        ))  # fmt: skip

    def _beat(self) -> None:
        self._tell(EgressBeat())
        self.time.after(BEAT_SECONDS, self._beat)

    def _look(self) -> None:
        now = self.time.now()
        self.meter.run(CLUSTER, "a look at all agents", lambda: self.placements.tick(now))
        self.time.after(leases.LOOK, self._look)

    def _look_at_nodes(self) -> None:
        """Each second each node tells how much is free there."""
        self._facts = [self._fact(node.name) for node in self._facts]
        self.meter.run(
            CLUSTER, "nodes told", lambda: self._tell(wire.Nodes(self._files.shortened(self._facts)))
        )
        self.time.after(NODES_SECONDS, self._look_at_nodes)

    def _fact(self, name: str) -> wire.Node:
        free = self._memory - self.dice.randrange(NEED // 2)
        node = wire.Node(name, free, self._memory, 16, files=FILES, cache="/m")
        if self._model is None:
            return node
        uuid = f"GPU-{name}"
        left = CARD - self._on_cards[uuid] - self._others_have.get(uuid, 0)
        card = wire.Card("cuda:0", left, CARD, "", uuid)
        return msgspec.structs.replace(node, cards=(card,), computing=frozenset({"llamacpp"}))

    def _from_supervisor(self, identity: bytes, frames: Sequence[Blob]) -> Sent:
        worker, frame = identity.decode(), bytes(view_of(frames[0]))
        if worker == self.cluster.process.identity:
            self.time.after(LATENCY, lambda: self._do(wire.decode_to_cluster(frame)))
        elif agent := self._agents.get(worker):
            self.sent["to agents"] += 1
            self.time.after(2 * LATENCY, lambda: agent.work(inner.decode_to_worker(frame)))
        return Sent.OK

    def _do(self, message: wire.ToCluster) -> None:
        match message:
            case wire.Place():
                self.meter.run(CLUSTER, "a placement", lambda: self.placements.place(message))
            case wire.Signal():
                self.placements.signal(message, self.time.now())

    # As the engine and the port of the placements, and as who gives files.

    def nodes(self) -> Sequence[wire.Node]:
        return self._facts

    def start(self, ticket: wire.Ticket) -> None:
        worker = ticket.worker
        self._on_cards.update({card.uuid: round(card.part * CARD) for card in ticket.cards})
        self._cards[worker] = ticket.cards
        agent = self._agents[worker] = ScaleAgent(
            worker, self.time, self.dice, lambda frame: self._up(worker, frame),
            lambda frame: self._relayed(worker, frame),
        )  # fmt: skip
        self.time.after(self.dice.uniform(*STARTS), lambda: self._admitted(worker, agent))

    def _admitted(self, worker: str, agent: ScaleAgent) -> None:
        now = self.time.now()
        self.meter.run(CLUSTER, "an agent let in", lambda: self.placements.admitted(worker, "k" * 40, now))
        agent.begin()

    def stop(self, worker: str) -> None:
        self._on_cards.subtract({card.uuid: round(card.part * CARD) for card in self._cards.pop(worker)})
        self._agents.pop(worker).end()

    @property
    def lost(self) -> list[wire.Ended]:
        """Those that nobody has ended."""
        return [end for end in self.ended if end.signal is None]

    def close(self) -> None: ...

    def admit(self, worker: str, key: str) -> None: ...

    def forget(self, worker: str) -> None: ...

    def connected(self, worker: str) -> bool:
        return worker in self._agents

    def begin(self, worker: str, supply: wire.Supply) -> None: ...

    def asked(self, worker: str, question: wire.Asked) -> bool:
        return False

    def tell(self, worker: str, message: bytes) -> bool:
        self.sent["to agents"] += 1
        agent = self._agents[worker]
        self.time.after(LATENCY, lambda: agent.take(wire.decode_to_agent(message)))
        return True

    def beat(self, worker: str) -> None:
        self.sent["to agents"] += 1

    def _up(self, worker: str, frame: bytes) -> None:
        """Of an agent: b"" is a sign of life."""
        self.sent["from agents"] += 1
        what = "a message of an agent" if frame else "a sign of life"
        self.meter.run(CLUSTER, what, lambda: self._heard(worker, frame))

    def _heard(self, worker: str, frame: bytes) -> None:
        self.placements.heard(worker)
        if frame:
            self.placements.said(worker, wire.decode_from_agent(frame), self.time.now())

    def _relayed(self, worker: str, frame: bytes) -> None:
        """Of a worker, which the cluster process does not look into."""
        self._up(worker, b"")
        what = f"from workers: {inner.decode_from_worker(frame).__class__.__name__}"
        self.meter.run(SUPERVISOR, what, lambda: self.endpoint.received(worker.encode(), [frame], None))

    # As who starts the cluster process, as clients, and as what is known of models.

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "_ClusterProcess":
        return _ClusterProcess()

    def send(self, client: bytes, event: outer.Event) -> None:
        self.loaded += isinstance(event, outer.Loaded)

    def _resolve(self, reference: str) -> Resolved:
        file = f"/m/org/{reference}.gguf"
        load = inner.LoadModel(reference, "echo", file)
        if self._model is not None:
            load = inner.LoadModel(reference, "llamacpp", str(self._model))
        return Resolved(load, 1, -1.0, file=file)

    def need(self, load: inner.LoadModel) -> int:
        return NEED // 4 if load.placement else NEED

    def headroom(self, load: inner.LoadModel) -> int:
        return 0

    def reads(self, load: inner.LoadModel) -> float:
        return 0.0

    def learn(self, load: inner.LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None: ...


def model_in(folder: Path) -> Path:
    """A file of a model in it whose layers are on a card or not: it takes no room on the disk."""
    front: dict[str, object] = {
        "general.architecture": "llama",
        "llama.context_length": 512,
        "llama.block_count": LAYERS,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 4,
    }
    tensors = [(f"blk.{at}.attn_q.weight", 0, at * LAYER) for at in range(LAYERS)]
    file = folder / "model.gguf"
    file.write_bytes(gguf(front, [*tensors, ("output.weight", 0, LAYERS * LAYER)], data=0))
    os.truncate(file, file.stat().st_size + (LAYERS + 1) * LAYER)
    return file


class _ClusterProcess(NoProcess):
    def owns(self, pid: int) -> bool:
        return True


def _silent(event: str, **fields: object) -> None: ...
