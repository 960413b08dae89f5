"""Where workers run is chosen once: here, or on nodes of a cluster all but what may not leave."""

from collections.abc import Callable, Sequence

import pytest

from ai_pal.config import paths
from ai_pal.config.current import CurrentSettings
from ai_pal.errors import AiPalError, Code
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol.egress import ToEgress
from ai_pal.server.app.worker_nodes import WorkerNodes, worker_nodes
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.transport.sockets import Blob
from tests.simulation.clock import VirtualClock
from tests.unit.server.egress_world import Process

CLUSTER = """
[cluster]
engine = "command"
nodes.a = "env python"
"""


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
    assert not nodes.stays(bound=True), "they all do"
    nodes.start()
    assert (nodes.launcher, nodes.statuses(), len(nodes.outgoing), launcher.launched) == (launcher, [], 0, [])
    with pytest.raises(AiPalError) as refused:
        nodes.drain("a")
    assert refused.value.code == Code.BAD_REQUEST
    nodes.close()


def test_what_is_bound_to_this_machine_stays_here() -> None:
    nodes = nodes_of(CLUSTER, Launcher())
    assert [nodes.stays(bound=bound) for bound in (True, False)] == [True, False]
    assert nodes.remote


@pytest.mark.parametrize("setting", ["local_only = true", "mine = true", 'optimization_goal = "privacy"'])
def test_all_stays_here_where_the_settings_say_so(setting: str) -> None:
    assert nodes_of(f"{setting}\n{CLUSTER}", Launcher()).stays(bound=False)


def test_a_worker_is_started_here_or_on_its_node() -> None:
    launcher = Launcher()
    nodes = nodes_of(CLUSTER, launcher)
    nodes.launcher.launch(LaunchSpec("echo.1.1", "workers"), lambda status: None)
    assert launcher.launched == ["workers"]
    with pytest.raises(AiPalError, match="the cluster process takes no work now"):
        nodes.launcher.launch(LaunchSpec("echo.2.1", "workers", node="a"), lambda status: None)


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
