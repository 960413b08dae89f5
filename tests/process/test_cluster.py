"""Workers on other nodes, as a user of the supervisor has them: nodes that a command reaches, on loopback."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from tests.cluster_nodes import LoopbackNode
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, text_of, until
from tests.process.eventually import allowed, eventually
from tests.process.loopback_nodes import left_empty, settings_of
from tests.process.supervised import Supervised, status_of

LINK_LOST_SECONDS = 3.5
"""What a client waits at most until it hears that a node has fallen silent."""

NOT_FITTING = "echo?leak_mb=1000000000"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, LoopbackNode]]:
    nodes = {name: LoopbackNode(tmp_path, name) for name in "ab"}
    with left_empty(nodes.values()):
        yield nodes


@pytest.fixture
def cluster(
    nodes: dict[str, LoopbackNode], ai_pal_home: Path, supervise: Callable[..., Supervised]
) -> Supervised:
    file = ai_pal_home / "config.toml"
    file.write_text(settings_of(nodes.values()))
    return supervise(config=file)


def node_of(client: Client) -> str:
    status = status_of(client)
    return status.node if status is not None else ""


def test_a_model_is_placed_answers_and_is_placed_anew_when_its_node_dies(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    with cluster.client() as client:
        assert client.ask(PROMPT, model="echo").text
        first = node_of(client)
        assert len(nodes[first].processes("workers")) == 1
        assert not cluster.workers(), "a worker runs on this machine, and it is no node"
        eventually(lambda: all(not node.silent and node.free for node in client.status().nodes))
        assert [node.name for node in client.status().nodes] == ["a", "b"]

        with pytest.raises(AiPalError) as refused:
            client.ask(PROMPT, model=NOT_FITTING)
        assert refused.value.code == Code.INSUFFICIENT_MEMORY
        assert re.search(r" needs [\d.]+ GB; a has [\d.]+ GB free, b has [\d.]+ GB free", str(refused.value))
        assert not cluster.logged("worker_exited", model=NOT_FITTING)

        events = iter(ask(client))
        begun = until(events, wire.Delta)
        assert next(event.remote for event in begun if isinstance(event, wire.Started)), "it has left"
        (raw,) = (
            one for one in client.complete_stream(PROMPT, model="echo") if isinstance(one, wire.Started)
        )
        assert (raw.remote, raw.why) == (True, "a worker on a node of the cluster")
        nodes[first].switch_off()
        all_of_it = [*begun, *events]
        assert_exact_prefix(all_of_it)
        end = end_of(all_of_it, wire.Interrupted)
        assert "the worker was lost: " in end.reason.message
        assert "memory" not in end.reason.message
        assert client.ask(PROMPT, model="echo").text
        assert node_of(client) != first
        assert cluster.logged("worker_exited", node=first, planned=False)

    cluster.process.kill()
    eventually(lambda: not [one for node in nodes.values() for one in node.processes()])


def test_what_may_not_leave_is_answered_by_a_worker_of_this_machine(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    def route(*, local_only: bool = False, mine: bool = False) -> list[tuple[str, bool, str]]:
        rows = client.route(PROMPT, model="echo", local_only=local_only, mine=mine).candidates
        return [(one.state, one.remote, one.provider) for one in rows if one.tier == 1]

    with cluster.client() as client:
        assert route(local_only=True) == [("here", False, "local")]
        for ask_here in (
            partial(client.chat, PROMPT, local_only=True),
            partial(client.chat, PROMPT, mine=True),
            partial(client.complete_stream, PROMPT, local_only=True),
        ):
            (started,) = (one for one in ask_here(model="echo") if isinstance(one, wire.Started))
            assert (started.remote, started.model) == (False, "echo")
        for read_here in (
            partial(client.count_tokens, PROMPT, mine=True),
            partial(client.embed, [PROMPT], local_only=True),
            partial(client.rerank, PROMPT, [PROMPT], mine=True),
        ):
            assert read_here(model="echo")
        assert not [one for node in nodes.values() for one in node.processes("workers")]
        assert len(cluster.workers()) == 1
        assert [(one.model, one.asked_as, one.node) for one in client.status().workers] == [
            ("echo (here)", "echo", "")
        ]
        assert [route(), route(mine=True)] == [[("here", True, "local")], [("ready", False, "local")]]

        assert client.ask(PROMPT, model="echo").text
        assert sorted(one.model for one in client.status().workers) == ["echo", "echo (here)"]
        nodes[node_of(client)].switch_off()
        assert client.ask(PROMPT, model="echo", local_only=True).text, "it needs no node"
        client.unload("echo")
        eventually(lambda: not cluster.workers())


def test_a_node_behind_a_cut_line_is_told_of_and_its_work_ends(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    with cluster.client() as client:
        events = iter(ask(client))
        begun = until(events, wire.Delta)
        lost = node_of(client)
        nodes[lost].stand_still()
        try:
            told = [*begun, *until(events, wire.Interrupted)]
            assert_exact_prefix(told)
            assert f"nothing came from node {lost}" in end_of(told, wire.Interrupted).reason.message
            assert text_of(ask(client, tokens=3))
            assert node_of(client) != lost
        finally:
            nodes[lost].go_on()
        eventually(lambda: not nodes[lost].processes("workers"), within=allowed(LINK_LOST_SECONDS))


def test_a_cluster_process_that_dies_takes_its_workers_along_and_comes_back(
    cluster: Supervised, nodes: dict[str, LoopbackNode]
) -> None:
    with cluster.client() as client:
        events = iter(ask(client))
        begun = until(events, wire.Delta)
        (process,) = cluster.children("ai_pal.cluster")
        process.kill()
        told = [*begun, *until(events, wire.Interrupted)]
        assert "the cluster process ended (SIGKILL)" in end_of(told, wire.Interrupted).reason.message
        eventually(lambda: not [one for node in nodes.values() for one in node.processes("workers")])
        assert text_of(ask(client, tokens=3))
