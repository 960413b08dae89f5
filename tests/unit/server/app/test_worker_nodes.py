"""Where workers run is chosen once: here every job is taken, on nodes of a cluster what may leave."""

from collections.abc import Callable, Sequence

import pytest

from ai_pal.config import paths
from ai_pal.config.current import CurrentSettings
from ai_pal.errors import AiPalError, Code
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol.content import Message
from ai_pal.protocol.egress import ToEgress
from ai_pal.protocol.worker import CountTokens
from ai_pal.server.app.worker_nodes import WorkerNodes, worker_nodes
from ai_pal.server.jobs import Job
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.transport.sockets import Blob
from tests.simulation.clock import VirtualClock
from tests.unit.server.egress_world import Process

CLUSTER = """
[cluster]
engine = "command"
nodes.a = "env python"
"""
COUNTING = CountTokens(1, [Message("user", "a text")])


class Launcher:
    def __init__(self) -> None:
        self.launched: list[str] = []

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        self.launched.append(spec.module)
        return Process(on_exit)


def nodes_of(settings: str, launcher: Launcher) -> WorkerNodes:
    file = paths.config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(settings)

    def unsent(identity: str, message: ToEgress, blobs: Sequence[Blob] = ()) -> bool:
        return False

    return worker_nodes(
        CurrentSettings(),
        launcher,
        MachineMemory(),
        unsent,
        VirtualClock(),
        lambda event, **fields: None,
        lambda worker, line: None,
    )


def test_without_an_engine_it_is_this_machine() -> None:
    launcher = Launcher()
    nodes = nodes_of("", launcher)
    nodes.admit(Job(work=COUNTING, model="echo", private=True, mine=True))
    nodes.start()
    assert (nodes.launcher, nodes.statuses(), len(nodes.outgoing), launcher.launched) == (launcher, [], 0, [])
    with pytest.raises(AiPalError) as refused:
        nodes.drain("a")
    assert refused.value.code == Code.BAD_REQUEST
    nodes.close()


@pytest.mark.parametrize(("private", "mine"), [(True, False), (False, True)])
def test_nodes_get_nothing_that_stays_here(private: bool, mine: bool) -> None:
    nodes = nodes_of(CLUSTER, Launcher())
    nodes.admit(Job(work=COUNTING, model="echo"))
    with pytest.raises(AiPalError) as refused:
        nodes.admit(Job(work=COUNTING, model="echo", private=private, mine=mine))
    assert refused.value.code == Code.LOCAL_ONLY


@pytest.mark.parametrize("setting", ["local_only", "mine"])
def test_nodes_get_nothing_where_the_settings_keep_all_here(setting: str) -> None:
    nodes = nodes_of(f"{setting} = true\n{CLUSTER}", Launcher())
    with pytest.raises(AiPalError) as refused:
        nodes.admit(Job(work=COUNTING, model="echo"))
    assert refused.value.code == Code.LOCAL_ONLY


def test_a_cluster_has_its_process_from_the_start() -> None:
    launcher = Launcher()
    nodes = nodes_of(CLUSTER, launcher)
    assert (launcher.launched, [process.running for process in nodes.outgoing]) == ([], [False])
    nodes.start()
    assert (launcher.launched, [process.running for process in nodes.outgoing]) == (
        ["ai_pal.cluster"],
        [True],
    )
    assert nodes.launcher is not launcher
