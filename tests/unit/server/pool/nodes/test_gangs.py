"""A model over several nodes, in the pool as it is: all of it is placed or nothing, one process ends and all
go, and to everybody it is one worker."""

from pathlib import Path

import msgspec
import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code
from ai_pal.protocol import worker as inner
from ai_pal.protocol.cluster import Card, CardShare, Node
from ai_pal.server.nodes.base import Arrived, ExitStatus, ProcessUsage
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.nodes import given_back
from ai_pal.server.pool.nodes.gangs import MODULE, NEED, PORTS
from ai_pal.server.pool.serving.terms import worker_for
from tests.gguf_files import gguf
from tests.unit.server.pool.admission.test_placing import FRONT
from tests.unit.server.pool.admission.test_placing import SIZE as SIZE_OF_LAYER
from tests.unit.server.pool.nodes.test_nodes import HELD, World

GB = 1 << 30
LOAD = inner.LoadModel("echo", "vllm", "/here/org/m.gguf")
SIZE = 20 * GB


def world_of(*nodes: Node, max_loaded: int = 0) -> World:
    """Its model is spread over two nodes."""
    return World(*nodes, files=HELD, load=LOAD, spread_over=2, size=SIZE, max_loaded=max_loaded)


def node(name: str, *rooms: int, free: int = 60 * GB, engine: str = "vllm") -> Node:
    cards = tuple(Card(f"cuda:{at}", room, 24 * GB, "", f"{name}{at}") for at, room in enumerate(rooms))
    return Node(
        name,
        free,
        64 * GB,
        4,
        cards,
        cache=f"/{name}",
        computing=frozenset({engine} if rooms else ()),
        address=f"10.0.0.{name}",
    )


TWO = node("1", 22 * GB), node("2", 3 * GB, 20 * GB, free=50 * GB)


def test_all_processes_are_started_with_their_own_cards_and_know_each_other() -> None:
    world = world_of(*TWO, node("3"))
    world.ask()
    first, second = world.specs
    assert [(spec.node, spec.module, spec.need) for spec in world.specs] == [
        ("1", "workers", NEED), ("2", MODULE, NEED),
    ]  # fmt: skip
    assert (first.cards, second.cards) == ((CardShare("10", 1.0, 19 * GB),), (CardShare("21", 1.0, 19 * GB),))
    assert first.supply is not None
    assert (second.supply and second.supply.cache) == "/2"
    arguments = dict(zip(second.args[::2], second.args[1::2], strict=True))
    told = msgspec.json.decode(arguments["--load"], type=inner.LoadModel)
    world.supervisor.worker_message(first.worker, inner.WorkerHello(1, "1"))
    (load,) = world.loads
    assert isinstance(load, inner.LoadModel)
    gang = inner.Gang(["10.0.0.1", "10.0.0.2"], PORTS[0], 1, round(19 / 24, 3))
    assert load.gang == told.gang == gang
    assert (load.path, told.path, arguments["--rank"]) == ("/1/org/m.gguf", "/2/org/m.gguf", "1")
    assert [(one.model, one.node) for one in world.supervisor.statuses()] == [("echo", "1")]


def test_another_port_is_tried_after_each_crash() -> None:
    world = world_of(*TWO)
    world.ask()
    (worker,) = world.supervisor.pool
    ports = []
    for _ in range(3):
        assert worker.gang is not None
        ports.append(worker.gang.port)
        for process in world.exits[-2:]:
            process(ExitStatus(signal=9))
        world.wait(10.0)
    assert ports == list(PORTS[:3]), "somebody whom this supervisor does not know may have the first"


@pytest.mark.parametrize(
    ("nodes", "figures"),
    [
        (TWO[:1], "1 has 64.4 GB free and 23.6 GB on cuda:0"),
        ((TWO[0], node("2")), "2 has no card"),
        ((TWO[0], node("2", 20 * GB, engine="llamacpp")), "2 has no vllm"),
        ((TWO[0], node("2", 20 * GB, free=GB)), "2 has 1.1 GB free"),
        ((TWO[0], node("2", 9 * GB)), "9.7 GB on cuda:0"),
        ((TWO[0], msgspec.structs.replace(TWO[1], silent=True)), "2 does not answer"),
        ((TWO[0], msgspec.structs.replace(TWO[1], address="127.0.1.1")), "2 has no address that others know"),
    ],
    ids=["one node", "no card", "no vLLM", "no memory", "a small card", "silent", "a loopback's address"],
)
def test_where_one_has_no_room_none_is_started_and_the_refusal_has_figures(
    nodes: tuple[Node, ...], figures: str
) -> None:
    world = world_of(*nodes)
    world.ask()
    world.wait(2.0)
    assert not world.specs
    assert world.end is not None
    assert world.end.code == Code.INSUFFICIENT_MEMORY
    assert figures in world.end.message


def test_where_no_node_has_the_engine_that_is_what_is_told() -> None:
    world = world_of(node("1", 22 * GB, engine="llamacpp"), node("2", 22 * GB, engine="llamacpp"))
    world.ask()
    assert world.end is not None
    assert world.end.code == Code.ENGINE_MISSING


def test_one_ends_and_all_go_and_it_is_one_loss() -> None:
    world = world_of(*TWO, node("3", 20 * GB, free=40 * GB))
    world.ask()
    world.supervisor.worker_message(world.specs[0].worker, inner.WorkerHello(1, "1"))
    world.exits[1](ExitStatus(lost=True, reason="nothing came from node 2 for 3 s"))
    assert world.processes[0].killed
    assert len(world.specs) == 2, "the next is started before the last has ended"
    world.exits[0](ExitStatus(signal=9))
    world.wait(3.0)
    assert world.placed == ["1", "2", "1", "3"], "the node that was lost is avoided"
    worker = world.supervisor.pool.find("echo")
    assert worker is not None
    assert not worker.state.crashes


def test_one_that_is_refused_where_it_was_to_be_is_placed_anew_elsewhere() -> None:
    world = world_of(*TWO, node("3", 20 * GB, free=40 * GB))
    world.ask()
    world.exits[1](ExitStatus(refused=True, reason="2.1 GB is needed, 1.0 GB is free"))
    world.exits[0](ExitStatus(signal=9))
    world.wait(1.0)
    assert world.placed == ["1", "2", "1", "3"]


def test_its_cards_and_its_memory_are_nobody_elses() -> None:
    world = world_of(*TWO)
    world.ask()
    pool = world.supervisor.pool
    (gang,) = pool
    other = worker_for(pool, Resolved(msgspec.structs.replace(LOAD, model="other"), SIZE, nodes=2))
    assert not pool.admission.has(other)
    assert gang.nodes == ("1", "2")
    assert other.state.reason is not None or not other.admitted
    small = inner.LoadModel("small", "transformers", "/here/org/m.gguf", device="cuda")
    single = worker_for(pool, Resolved(small))
    both = frozenset({"vllm", "transformers"})
    world.there = tuple(msgspec.structs.replace(one, computing=both) for one in TWO)
    assert pool.admission.has(single)
    assert single.node == "2", "the only card of 1 is the gang's"


def taken_by_idle(folder: Path, *nodes: Node, models: int) -> World:
    """So many small models are loaded, each on a card, and idle; the first has been so for the longest."""
    both = frozenset({"vllm", "llamacpp"})
    world = world_of(*(msgspec.structs.replace(one, computing=both) if one.cards else one for one in nodes))
    for number in range(models):
        load_small(world, folder, f"small{number}")
        world.hello()
        world.supervisor.worker_message(world.specs[-1].worker, inner.Ready(1, 100))
        world.wait(1.0)
    return world


def load_small(world: World, folder: Path, name: str) -> None:
    """A model that lies on a card as a whole, and nowhere else."""
    file = folder / "small.gguf"
    file.write_bytes(
        gguf(
            FRONT,
            [("blk.0.attn_q.weight", 0, 0), ("output.weight", 0, SIZE_OF_LAYER)],
            data=2 * SIZE_OF_LAYER,
        )
    )
    pool = world.supervisor.pool
    small = Resolved(inner.LoadModel(name, "llamacpp", str(file), device="cuda"))
    pool.apply(worker_for(pool, small), lifecycle.Demand())


def going(world: World) -> list[str]:
    return [one.model for one in world.supervisor.statuses() if one.state == "stopping"]


def test_idle_models_go_for_all_of_it_and_none_for_a_part(tmp_path: Path) -> None:
    world = taken_by_idle(tmp_path, node("1", 22 * GB), node("2", 22 * GB), node("3", 22 * GB), models=3)
    assert sorted(world.placed) == ["1", "2", "3"]
    world.ask()
    assert going(world) == ["small0", "small1"], "those that were idle for the longest"
    assert len(world.specs) == 3, "it is placed beside those that go"
    for ended in (0, 1):
        world.exits[ended](ExitStatus(code=0))
    world.wait(given_back.SECONDS + 1)
    assert sorted(world.placed[3:]) == sorted(world.placed[:2])
    assert world.end is None

    alone = taken_by_idle(tmp_path, node("1", 22 * GB), node("2"), models=1)
    alone.ask()
    alone.wait(2.0)
    assert not going(alone), "it would be in vain"
    assert alone.end is not None
    assert "2 has no card" in alone.end.message


def test_its_places_are_kept_until_what_goes_for_it_has_gone_and_that_is_told(tmp_path: Path) -> None:
    world = taken_by_idle(tmp_path, node("1", 22 * GB), node("2", 22 * GB), models=2)
    world.ask()
    load_small(world, tmp_path, "late")
    assert len(world.specs) == 2, "somebody else has the cards that it waits for"
    told, world.there = (
        world.there or (),
        tuple(
            msgspec.structs.replace(one, cards=(msgspec.structs.replace(one.cards[0], free=GB),))
            for one in (world.there or ())
        ),
    )
    for ended in (0, 1):
        world.exits[ended](ExitStatus(code=0))
    world.wait(given_back.SECONDS * 0.9)
    assert len(world.specs) == 2
    assert world.end is None, "it is refused for what is free already"
    world.there = told
    world.wait(given_back.SECONDS)
    assert len(world.specs) == 4


def test_it_goes_itself_for_another_one_on_all_of_its_nodes() -> None:
    world = world_of(*TWO)
    pool = world.supervisor.pool
    pool.apply(worker_for(pool, Resolved(LOAD, SIZE, nodes=2)), lifecycle.Demand())
    world.supervisor.worker_message(world.specs[0].worker, inner.WorkerHello(1, "1"))
    world.supervisor.worker_message(world.specs[0].worker, inner.Ready(1, 100))
    another = worker_for(pool, Resolved(msgspec.structs.replace(LOAD, model="another"), SIZE, nodes=2))
    pool.apply(another, lifecycle.Demand())
    assert going(world) == ["echo"]
    assert another.nodes == ("1", "2")


def test_it_goes_itself_for_a_model_that_needs_one_of_its_cards(tmp_path: Path) -> None:
    both = frozenset({"vllm", "llamacpp"})
    world = world_of(*(msgspec.structs.replace(one, computing=both) for one in (TWO[0], node("2", 20 * GB))))
    pool = world.supervisor.pool
    pool.apply(worker_for(pool, Resolved(LOAD, SIZE, nodes=2)), lifecycle.Demand())
    first = world.specs[0].worker
    world.supervisor.worker_message(first, inner.WorkerHello(1, "1"))
    load_small(world, tmp_path, "early")
    assert not going(world), "it loads"
    world.supervisor.worker_message(first, inner.Ready(1, 100))
    load_small(world, tmp_path, "small")
    assert going(world) == ["echo"]
    small = pool.find("small")
    assert small is not None
    assert small.state.phase is lifecycle.Phase.WAITING
    assert small.reserved
    assert len(small.nodes) == 1
    assert [pool.admission.has(small), len(small.nodes)] == [False, 1], "its place is kept"


def test_it_is_one_of_the_models_that_each_of_its_nodes_may_have() -> None:
    world = world_of(*TWO, max_loaded=1)
    pool = world.supervisor.pool
    assert pool.admission.has(worker_for(pool, Resolved(inner.LoadModel("small", "echo"), pinned=True)))
    world.ask()
    world.wait(2.0)
    assert not world.specs
    assert world.end is not None
    assert "1 has as many models as may be loaded: 1" in world.end.message


def test_what_may_not_leave_is_for_an_engine_that_has_it_on_one_machine() -> None:
    world = world_of(*TWO)
    world.kept = 90 * GB
    world.ask(stays=True)
    (spec,) = world.specs
    world.supervisor.worker_message(spec.worker, inner.WorkerHello(1, "1"))
    (load,) = world.loads
    assert isinstance(load, inner.LoadModel)
    assert (spec.node, load.engine, load.gang) == ("", "transformers", None)


def test_a_node_that_is_drained_ends_all_of_it() -> None:
    world = world_of(*TWO)
    world.ask()
    assert world.supervisor.drain("2") == ["echo"]


def test_files_that_still_come_to_one_of_its_nodes_are_a_sign_of_life() -> None:
    world = world_of(*TWO)
    world.ask()
    world.supervisor.worker_message(world.specs[0].worker, inner.WorkerHello(1, "1"))
    for percent in range(4):
        world.processes[1].used = ProcessUsage(0.0, 0, 0, arrived=Arrived(percent / 100, percent))
        world.wait(40.0)
    assert [one.killed for one in world.processes] == [False, False]
    world.wait(61.0)
    assert [one.killed for one in world.processes] == [True, True]
