"""The cluster as a launcher: what its process is told, what becomes of workers when it ends, its own end."""

from collections.abc import Callable, Sequence

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.egress import EgressBeat, EgressHello, ToEgress
from ai_pal.server.children.cluster import AWAITED, MODULE, Cluster
from ai_pal.server.children.egress import EgressPolicy, EgressProcess
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.transport.sockets import Blob
from tests.unit.server.egress_world import Process

BEGIN = wire.Begin("command", "tcp://127.0.0.1:*", {"a": "env python"})
W = "w.1.1"


class World:
    """Launcher and clock of the cluster process; `sent` is what it was told."""

    def __init__(self) -> None:
        self.time, self.sent = 0.0, list[ToEgress]()
        self.processes, self.exits = list[Process](), list[ExitStatus]()
        self.lines: list[tuple[str, str]] = []
        process = EgressProcess(
            self, self._take, self, lambda event, **fields: None, EgressPolicy(), dict, MODULE
        )
        self.cluster = Cluster(
            process, BEGIN, self, lambda event, **fields: None, lambda *line: self.lines.append(line)
        )

    def now(self) -> float:
        return self.time

    def wake_at(self, when: float) -> None: ...

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        assert spec.module == MODULE
        self.processes.append(Process(on_exit))
        return self.processes[-1]

    def _take(self, identity: str, message: ToEgress, blobs: Sequence[Blob] = ()) -> bool:
        self.sent.append(message)
        return True

    def up(self) -> None:
        self.cluster.process.message(EgressHello(7))
        self.cluster.process.message(wire.Up("command", "tcp://127.0.0.1:1"))
        self.cluster.process.message(wire.Nodes((wire.Node("a", 5, 9, 2), wire.Node("b", silent=True))))

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            self.time += 0.5
            if self.cluster.process.running:
                self.cluster.process.message(EgressBeat())
            self.cluster.tick()


def started() -> World:
    world = World()
    world.cluster.start()
    world.up()
    return world


def test_the_process_is_told_the_settings_first_and_then_where_workers_go() -> None:
    world = started()
    world.cluster.launch(LaunchSpec(W, "workers", node="a", need=3), world.exits.append)
    assert world.sent == [BEGIN, wire.Place(W, "a", need=3)]
    assert [(node.name, node.free, node.silent) for node in world.cluster.statuses()] == [
        ("a", 5, False),
        ("b", 0, True),
    ]


def test_a_worker_is_what_its_agent_tells_and_ends_once() -> None:
    world = started()
    process = world.cluster.launch(LaunchSpec(W, "workers", node="a"), world.exits.append)
    tell = world.cluster.process.message
    assert process.pid == 0
    tell(wire.Launched(W, 77))
    tell(wire.Used(W, 1.5, 100, 200, 50, 120))
    tell(wire.Line(W, "said"))
    assert (process.pid, process.usage()) == (77, ProcessUsage(1.5, 100, 200, 50, 120))
    assert world.lines == [(W, "said")]
    assert process.owns(Process.pid)
    assert not process.owns(99)
    process.terminate()
    assert world.sent[-1] == wire.Signal(W, 15)
    for _ in range(2):
        tell(wire.Ended(W, signal=15, tail="last"))
    assert world.exits == [ExitStatus(signal=15)]
    assert process.stderr_tail() == "last"
    assert process.usage() is None
    process.kill()
    assert world.sent[-1] == wire.Signal(W, 15), "it has ended"


def test_the_end_of_the_process_is_the_end_of_all_workers_and_it_comes_back() -> None:
    world = started()
    world.cluster.launch(LaunchSpec(W, "workers", node="a"), world.exits.append)
    world.processes[0].on_exit(ExitStatus(signal=9))
    (end,) = world.exits
    assert end.lost
    assert end.reason == "the cluster process ended (SIGKILL)"
    assert world.cluster.nodes() is None
    assert world.cluster.failure() is None, "loads wait for the next one"
    world.pass_time(1.0)
    assert len(world.processes) == 2
    world.up()
    assert world.cluster.failure() is None
    assert world.sent[-1] == BEGIN


def test_a_process_that_never_comes_so_far_is_a_failure() -> None:
    world = World()
    world.cluster.start()
    world.processes[0].on_exit(ExitStatus(code=1))
    assert (failure := world.cluster.failure()) is not None
    assert failure.message == "the cluster process ended (code 1)"


def test_an_engine_that_cannot_be_had_is_tried_again_and_says_why_meanwhile() -> None:
    world = World()
    world.cluster.start()
    world.cluster.process.message(EgressHello(7))
    failure = Failure(Code.CONFIG_INVALID, "there is no engine x")
    world.cluster.process.message(wire.Down(failure))
    assert world.processes[0].signals == ["term"]
    world.processes[0].on_exit(ExitStatus(signal=15))
    assert world.cluster.failure() == failure
    world.pass_time(1.0)
    assert len(world.processes) == 2


def test_it_stays_while_nothing_is_to_do_and_ends_behind_its_last_worker() -> None:
    world = started()
    world.pass_time(100.0)
    assert not world.processes[0].signals
    world.cluster.launch(LaunchSpec(W, "workers", node="a"), world.exits.append)
    world.cluster.shutdown()
    assert not world.processes[0].signals
    world.cluster.process.message(wire.Ended(W, signal=15))
    assert world.processes[0].signals == ["term"]
    world.processes[0].on_exit(ExitStatus(signal=15))
    world.pass_time(60.0)
    assert len(world.processes) == 1


def test_a_node_that_is_new_or_only_just_silent_is_waited_for() -> None:
    world = started()
    assert world.cluster.may_answer_soon("b")
    world.pass_time(AWAITED + 1)
    assert not world.cluster.may_answer_soon("b")


def test_nothing_can_be_placed_before_the_process_is_there() -> None:
    world = World()
    world.cluster.start()
    with pytest.raises(AiPalError) as refused:
        world.cluster.launch(LaunchSpec(W, "workers", node="a"), world.exits.append)
    assert refused.value.code == Code.SPAWN_FAILED


def test_nodes_tell_whether_they_have_the_usual_files() -> None:
    world = started()
    assert [node.usual for node in world.cluster.statuses()] == [None, None]
    assert [node.usual for node in world.cluster.statuses(frozenset())] == [True, True]
    assert [node.usual for node in world.cluster.statuses(frozenset({"org/m.gguf:7"}))] == [False, False]


def test_a_drained_node_is_told_as_one_until_that_is_undone() -> None:
    world = started()
    world.cluster.drain("b")
    assert [(node.name, node.drained) for node in world.cluster.statuses()] == [("a", False), ("b", True)]
    assert world.cluster.is_drained("b")
    with pytest.raises(AiPalError, match="there is no node 'c'"):
        world.cluster.drain("c")
    world.cluster.drain("b", undo=True)
    assert not world.cluster.is_drained("b")
    with pytest.raises(AiPalError, match="there is no node 'c'"):
        world.cluster.drain("c", undo=True)
