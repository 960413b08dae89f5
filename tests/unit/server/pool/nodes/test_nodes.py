"""Which node a worker gets, and what its loss or a refusal comes to, in the pool as it is."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from ai_pal import __version__
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, Failure
from ai_pal.memory import Claims, gigabytes
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.cluster import DISK_SPARE, ModelFile, Node, Supply
from ai_pal.protocol.content import Message
from ai_pal.server.backends.local import LocalModels
from ai_pal.server.nodes.base import Arrived, ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy
from ai_pal.server.pool.nodes import given_back
from ai_pal.server.pool.nodes.admission import NodeAdmission
from ai_pal.server.pool.nodes.kept_admission import KeptAdmission
from ai_pal.server.pool.nodes.objections import Files
from ai_pal.server.pool.serving.terms import worker_for
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.transport.sockets import Blob
from tests.endpoints import NoProcess
from tests.local_router import NoDownloads, ask
from tests.simulation.clock import VirtualClock

ME = b"me"
GB = 10**9
NEED = 2 * GB
FILE = ModelFile("org/m.gguf", 7)
ECHO = inner.LoadModel("echo", "echo", "/here/org/m.gguf")
HELD = Files({"/here/org/m.gguf": "org/m.gguf"}, (FILE,), "/here")


class World:
    """A supervisor whose workers run on nodes that only note what they are told."""

    def __init__(
        self,
        *nodes: Node,
        files: Files | None = None,
        replicas: int = 1,
        options: Mapping[str, object] | None = None,
        kept: int = 0,
        load: inner.LoadModel = ECHO,
        spread_over: int = 1,
        size: int = 0,
        **policy: int,
    ) -> None:
        self.there: Sequence[Node] | None = nodes or None
        self.why: Failure | None = None
        self.hoped: set[str] = set()
        self.drained: set[str] = set()
        self.specs: list[LaunchSpec] = []
        self.exits: list[Callable[[ExitStatus], None]] = []
        self.processes: list[Told] = []
        self.loads: list[inner.ToWorker] = []
        self.heard: list[wire.Event] = []
        self.clock = VirtualClock()
        on_nodes = self._on_nodes = NodeAdmission(
            self, self, MemoryPolicy(**policy), self.clock, lambda load: files
        )
        self.load = load = msgspec.structs.replace(load, options=dict(options or {}))
        self.estimated: list[inner.LoadModel] = []
        self.supervisor = Supervisor(
            clients=self,
            workers=Loads(self.loads),
            launcher=self,
            clock=self.clock,
            resolve=lambda reference: Resolved(
                load, size, replicas=replicas, most_replicas=replicas, nodes=spread_over
            ),
            jitter=lambda: 0.5,
            observe=lambda event, **fields: None,
            admission=KeptAdmission(Admission(self, self, self, MemoryPolicy()), on_nodes),
        )
        self.clock.alarm = self.supervisor.tick
        self.kept, self.stays = kept, False
        self.models = LocalModels(self.supervisor, NoDownloads(), self, lambda *, bound: self.stays)

    # As what is known of nodes.

    def nodes(self) -> Sequence[Node] | None:
        return self.there

    def failure(self) -> Failure | None:
        return self.why

    def may_answer_soon(self, node: str) -> bool:
        return node in self.hoped

    def is_drained(self, node: str) -> bool:
        return node in self.drained

    def stirred(self) -> Sequence[str]:
        return [node.name for node in self.there or ()]

    # As what is known of this machine.

    def free(self) -> int:
        return self.kept

    def pressure(self) -> float:
        return 0.0

    def enter(self) -> Claims:
        return Claims()

    def leave(self, mine: Claims) -> None: ...

    # As footprints.

    def need(self, load: inner.LoadModel) -> int:
        self.estimated.append(load)
        return NEED

    def headroom(self, load: inner.LoadModel) -> int:
        return 0

    def reads(self, load: inner.LoadModel) -> float:
        return 0.0

    def learn(self, load: inner.LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None:
        self.estimated.append(load)

    # As launcher and clients.

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "Told":
        self.specs.append(spec)
        self.exits.append(on_exit)
        self.processes.append(Told())
        return self.processes[-1]

    def send(self, client: bytes, event: wire.Event) -> None:
        self.heard.append(event)

    # What happens.

    def ask(self, number: int = 1, *, stays: bool = False) -> None:
        self.stays = stays
        ask(self.models, self, ME, wire.Chat(number, [Message("user", "x")], "echo"))
        self.wait(0.0)

    def wait(self, seconds: float) -> None:
        self.clock.run(self.clock.now() + seconds)

    def hello(self) -> None:
        self.processes[-1].used = None
        self.supervisor.worker_message(self.specs[-1].worker, inner.WorkerHello(1, "1"))

    def arrives(self, fraction: float) -> None:
        """So much of its files has come to its node."""
        self.processes[-1].used = ProcessUsage(0.0, 0, 0, arrived=Arrived(fraction, round(100 * fraction)))
        self.wait(0.2)

    def exit(self, **how: object) -> None:
        self.exits[-1](ExitStatus(**how))  # type: ignore[arg-type]
        self.wait(1.0)

    @property
    def fits(self) -> bool:
        """Whether nodes have room for another one."""
        pool = self.supervisor.pool
        return self._on_nodes.fits(inner.LoadModel("x", "echo"), list(pool), pool.warm_pool)

    @property
    def placed(self) -> list[str]:
        return [spec.node for spec in self.specs]

    @property
    def end(self) -> Failure | None:
        ends = [event for event in self.heard if isinstance(event, wire.Failed)]
        return ends[-1].reasons[-1] if ends else None


class Told(NoProcess):
    """A process on a node, as far as it was told of; when it has started nothing is known of it."""

    def __init__(self) -> None:
        self.used: ProcessUsage | None = None
        self.killed = False

    def kill(self) -> None:
        self.killed = True

    def usage(self) -> ProcessUsage | None:
        return self.used


class Loads:
    def __init__(self, sent: list[inner.ToWorker]) -> None:
        self._sent = sent

    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        self._sent.append(message)
        return True


def test_the_node_with_the_most_room_is_told_what_has_to_be_free() -> None:
    world = World(Node("a", 3 * GB), Node("b", 5 * GB))
    world.ask()
    assert [(spec.node, spec.need) for spec in world.specs] == [("b", NEED)]


def test_no_room_is_a_refusal_with_figures_by_node() -> None:
    world = World(Node("a", 1 * GB), Node("b", 5 * GB, silent=True))
    world.ask()
    assert not world.specs
    assert world.end is not None
    assert world.end.code == Code.INSUFFICIENT_MEMORY
    figures = f"echo needs {gigabytes(NEED)}; a has {gigabytes(GB)} free, b does not answer"
    assert world.end.message == f"insufficient memory: {figures}"


def test_all_models_of_a_node_take_no_more_than_the_budget() -> None:
    world = World(Node("a", 9 * GB), budget=NEED // 2)
    world.ask()
    assert world.end is not None
    assert f"a has {gigabytes(NEED // 2)} free" in world.end.message


def test_replicas_are_on_different_nodes_where_there_is_room() -> None:
    world = World(Node("a", 90 * GB), Node("b", 3 * GB), Node("c", 1 * GB), replicas=3)
    world.ask()
    assert world.placed == ["a", "b", "a"]


def test_who_is_refused_on_one_node_goes_to_another_and_is_refused_with_both_reasons() -> None:
    world = World(Node("a", 3 * GB), Node("b", 5 * GB))
    world.ask()
    world.exit(refused=True, reason="2.0 GB is needed, 1.0 GB is free")
    assert world.placed == ["b", "a"]
    world.exit(refused=True, reason="no descriptor is left")
    world.wait(2.0)
    assert world.placed == ["b", "a"], "it is asked again and again"
    assert world.end is not None
    assert world.end.code == Code.INSUFFICIENT_MEMORY
    assert "a refused it: no descriptor is left, b refused it: 2.0 GB is needed" in world.end.message
    worker = world.supervisor.pool.find("echo")
    assert worker is None or not worker.state.crashes, "a refusal counts as a crash"


def test_a_lost_node_is_said_and_avoided_and_is_no_crash_of_the_model() -> None:
    world = World(Node("a", 3 * GB), Node("b", 5 * GB))
    world.ask()
    world.hello()
    for _ in range(3):
        world.exit(lost=True, reason="nothing came from node b for 3 s")
        world.hello()
        world.ask(len(world.specs) + 1)
    assert world.placed[:2] == ["b", "a"]
    assert len(world.specs) >= 3
    worker = world.supervisor.pool.find("echo")
    assert worker is not None
    assert not worker.state.crashes


def test_a_node_on_which_nothing_comes_to_be_is_not_asked_for_ever() -> None:
    world = World(Node("a", 3 * GB))
    world.ask()
    for _ in range(10):
        world.exit(lost=True, reason="its agent on node a has gone: `ssh a` ended with 3: no space left")
        world.wait(5.0)
    assert world.end is not None
    assert world.end.code == Code.MODEL_FAILED
    assert "5 times in a row" in world.end.message
    assert "`ssh a` ended with 3: no space left" in world.end.message
    assert len(world.specs) == 5


def test_a_model_is_placed_where_its_files_are_and_loaded_from_where_they_lie_there() -> None:
    has = Node("a", 3 * GB, files=HELD.identities, cache="/there/models")
    world = World(has, Node("b", 5 * GB), files=HELD)
    world.ask()
    assert world.placed == ["a"]
    world.hello()
    (load,) = world.loads
    assert isinstance(load, inner.LoadModel)
    assert load.path == "/there/models/org/m.gguf"


def test_what_options_name_is_read_where_it_lies_there_and_estimated_where_it_lies_here() -> None:
    options = {"lora": ["/own/a.gguf=0.5"], "chat_template": "/own/t", "speculate": "ngram", "mmproj": "off"}
    places = {"/own/a.gguf": "outside/1/a.gguf", "/own/t": "outside/2/t"}
    world = World(Node("a", 3 * GB, cache="/there"), files=Files(places, (FILE,), "/here"), options=options)
    world.ask()
    world.hello()
    (load,) = world.loads
    assert isinstance(load, inner.LoadModel)
    assert load.path == world.load.path, "it lies nowhere else"
    assert load.options == options | {
        "lora": ["/there/outside/1/a.gguf=0.5"],
        "chat_template": "/there/outside/2/t",
    }
    world.processes[-1].used = ProcessUsage(1.0, GB, 0, peak=GB)
    world.supervisor.worker_message(world.specs[-1].worker, inner.Ready(1, 100))
    assert len(world.estimated) == 2
    assert all(one.options == options for one in world.estimated), "this machine has no such paths"


def test_a_node_that_lacks_the_files_is_told_which_it_needs_and_how_far_they_are_is_said() -> None:
    world = World(Node("a", 3 * GB, cache="/there", disk=DISK_SPARE + 7), files=HELD)
    world.ask()
    (spec,) = world.specs
    assert spec.supply == Supply((FILE,), "/there", "/here", model="echo")
    world.arrives(0.25)
    world.arrives(0.5)
    assert [(one.model, one.state) for one in world.supervisor.statuses()] == [("echo", "fetching")]
    world.hello()
    world.supervisor.worker_message(world.specs[-1].worker, inner.LoadProgress(0.1))
    loading = [one for one in world.heard if isinstance(one, wire.Loading)]
    assert [(one.node, one.progress) for one in loading] == [("", 0.0), ("a", 0.25), ("a", 0.5), ("", 0.1)]


def test_a_node_whose_disk_is_too_small_refuses_with_figures_unless_files_are_shared() -> None:
    world = World(Node("a", 3 * GB, cache="/there", disk=DISK_SPARE + 6), files=HELD)
    world.ask()
    assert not world.specs
    assert world.end is not None
    assert world.end.code == Code.DISK_FULL
    assert world.end.message == "no node takes echo: a lacks 0 MB of its files, 17 MB of disk is free"
    shares = World(Node("a", 3 * GB, cache="/there", disk=6), files=HELD._replace(shared="/shared"))
    shares.ask()
    assert shares.placed == ["a"]


@pytest.mark.parametrize("cause", [Code.DISK_FULL, Code.HASH_MISMATCH, Code.DOWNLOAD_FAILED])
def test_files_that_do_not_come_are_a_refusal_for_that_and_no_crash(cause: Code) -> None:
    world = World(Node("a", 3 * GB, cache="/there"), files=HELD)
    world.ask()
    world.arrives(0.5)
    world.exit(refused=True, reason="why", cause=cause)
    world.wait(2.0)
    assert world.placed == ["a"]
    assert world.end is not None
    assert (world.end.code, world.end.message) == (cause, "no node takes echo: a refused it: why")
    worker = world.supervisor.pool.find("echo")
    assert worker is None or not worker.state.crashes


def test_a_node_that_lacks_the_engine_is_left_out_and_where_all_do_that_is_what_is_told() -> None:
    world = World(Node("a", 3 * GB), Node("b", 5 * GB))
    world.ask()
    missing = Failure(Code.ENGINE_MISSING, "xllamacpp is not installed", "pip install xllamacpp")
    for node in ("b", "a"):
        assert world.specs[-1].node == node
        world.hello()
        world.supervisor.worker_message(world.specs[-1].worker, inner.LoadFailed(missing))
        assert world.end is None
        world.exit(code=78)
    world.wait(2.0)
    assert world.placed == ["b", "a"]
    assert world.end is not None
    reason = "refused it: xllamacpp is not installed"
    assert world.end.code == Code.ENGINE_MISSING
    assert world.end.message == f"no node takes echo: a {reason}, b {reason}"
    assert not world.end.retryable


@pytest.mark.parametrize(
    ("short", "told"),
    [
        (Node("a", 3 * GB, pressure=20), "node a is short of memory: processes wait for it 20 % of the time"),
        (Node("a", GB), "node a is short of memory: 1.0 GB is free, less than 2.0 GB"),
        (Node("a", 3 * GB, pressure=19), ""),
        (Node("a", GB, pressure=90, silent=True), ""),
    ],
)
def test_an_idle_model_goes_when_its_node_is_short_of_memory(short: Node, told: str) -> None:
    world = World(Node("a", 5 * GB), low=2 * GB, pressure=20)
    world.supervisor.load(ME, wire.Load(1, "echo"))
    world.hello()
    world.supervisor.worker_message(world.specs[-1].worker, inner.Ready(1, 100))
    world.there = (short,)
    world.wait(2.0)
    (status,) = world.supervisor.statuses()
    assert (status.state, status.reason) == (("stopping", told) if told else ("ready", ""))


def test_what_stays_has_a_worker_of_this_machine_with_this_machine_s_memory() -> None:
    world = World(Node("a", 5 * GB), kept=3 * GB)
    world.ask()
    world.ask(2, stays=True)
    assert world.placed == ["a", ""]
    assert [one.model for one in world.supervisor.statuses()] == ["echo", "echo (here)"]
    assert {one.asked_as for one in world.supervisor.statuses()} == {"echo"}
    world.exit(lost=True, reason="nothing came from node a for 3 s")
    world.supervisor.unload(ME, wire.Unload(3, "echo"))
    world.wait(0.0)
    assert {one.state for one in world.supervisor.statuses()} <= {"stopping"}, "both are meant"


def test_what_stays_and_does_not_fit_here_goes_to_no_node() -> None:
    world = World(Node("a", 5 * GB), kept=GB)
    world.ask(stays=True)
    assert world.end is not None
    assert world.end.code == Code.INSUFFICIENT_MEMORY
    assert "needs 2.0 GB, 1.0 GB is free" in world.end.message
    assert not world.placed


def test_files_that_come_no_further_are_given_up() -> None:
    world = World(Node("a", 3 * GB, cache="/there"), files=HELD)
    world.ask()
    world.arrives(0.5)
    world.wait(61.0)
    assert world.processes[-1].killed


@pytest.mark.parametrize("nodes", [None, (Node("a", silent=True),)], ids=["no process", "no node"])
def test_a_cluster_that_starts_is_waited_for(nodes: Sequence[Node] | None) -> None:
    world = World(*nodes or ())
    world.hoped = {"a"}
    world.ask()
    world.wait(2.0)
    assert not world.specs
    assert world.end is None
    waits = "node a does not answer yet: " if nodes else "the cluster is starting: "
    (status,) = world.supervisor.statuses()
    assert (status.state, status.reason[: len(waits)]) == ("waiting", waits)
    assert [one.reason[: len(waits)] for one in world.heard if isinstance(one, wire.Loading)] == [waits]
    world.there = (Node("a", 3 * GB),)
    world.wait(1.0)
    assert world.placed == ["a"]


def test_who_waits_hears_when_it_is_for_something_else_and_at_the_end_for_what_it_was_in_vain() -> None:
    world = World(Node("a", silent=True))
    world.hoped = {"a"}
    world.ask()
    other = worker_for(world.supervisor.pool, Resolved(inner.LoadModel("other", "echo")))
    other.node, other.reserved = "a", NEED
    other.state = msgspec.structs.replace(other.state, phase=lifecycle.Phase.LOADING)
    world.supervisor.pool.admission.moved(other)
    world.there = (Node("a", NEED),)
    world.wait(1.0)
    heard = [one.reason for one in world.heard if isinstance(one, wire.Loading)]
    assert [reason.partition(":")[0] for reason in heard] == [
        "node a does not answer yet", "insufficient memory",
    ]  # fmt: skip
    other.reserved = 0
    world.supervisor.pool.admission.moved(other)
    world.there = (Node("a", silent=True),)
    world.wait(121.0)
    assert world.end is not None
    assert world.end.code == Code.NO_NODE
    assert world.end.message.startswith("node a does not answer yet: ")
    assert world.end.message.endswith("a does not answer; that did not change within 120 s")


def test_what_ended_on_a_node_is_waited_for_until_the_node_has_told_that_it_is_free() -> None:
    world = World(Node("a", 3 * GB))
    world.ask()
    world.hello()
    world.supervisor.worker_message(world.specs[-1].worker, inner.Ready(1, 100))
    world.there = (Node("a", GB),)
    world.exit(code=1)
    assert world.end is None
    world.there = (Node("a", 3 * GB),)
    world.wait(given_back.SECONDS)
    assert world.placed == ["a", "a"]


def test_a_cluster_that_cannot_be_had_says_why() -> None:
    world = World()
    world.why = Failure(Code.CONFIG_INVALID, "agents cannot connect to tcp://1.2.3.4:5")
    world.ask()
    assert world.end is not None
    assert world.end.message == "the cluster cannot be had: agents cannot connect to tcp://1.2.3.4:5"
    assert world.end.code == Code.NO_NODE


def test_two_models_at_once_are_not_promised_the_same_bytes() -> None:
    world = World(Node("a", 3 * GB), Node("b", int(2.5 * GB)))
    world.ask()
    others = [one for one in world.supervisor.pool if one.reserved]
    assert [(one.node, one.reserved) for one in others] == [("a", NEED)]
    assert world.fits
    world.there = (Node("a", 3 * GB),)
    assert not world.fits


def test_a_node_that_is_drained_gets_nothing_and_what_ran_there_is_served_elsewhere() -> None:
    world = World(Node("a", 5 * GB), Node("b", 3 * GB))
    world.ask()
    world.drained = {"a"}
    assert world.supervisor.drain("a") == ["echo"]
    assert world.supervisor.drain("b") == []
    world.exit(code=0)
    assert world.placed == ["a", "b"]
    assert world.end is None


def test_a_node_with_another_version_gets_nothing_and_the_refusal_tells_both() -> None:
    world = World(Node("a", 5 * GB, version="0.0.9"), Node("b", 3 * GB, version=__version__))
    world.ask()
    assert world.placed == ["b"]
    other = World(Node("a", 5 * GB, version="0.0.9"))
    other.ask()
    assert other.end is not None
    assert other.end.code == Code.NO_NODE
    assert other.end.message.endswith(f"a has AI-PAL 0.0.9, this is {__version__}")


def test_where_all_nodes_are_drained_the_refusal_says_so() -> None:
    world = World(Node("a", 5 * GB))
    world.drained = {"a"}
    world.ask()
    world.wait(30.0)
    assert world.end is not None
    assert "a is drained" in world.end.message
