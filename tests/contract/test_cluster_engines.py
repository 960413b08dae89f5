"""What every engine of a cluster promises, with real agents on nodes of its own."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import psutil
import pytest
from _pytest.mark import ParameterSet

from ai_pal.cluster.command_engine import CommandEngine
from ai_pal.cluster.engine import GONE_SECONDS, Engine, Events
from ai_pal.errors import Code
from ai_pal.protocol.cluster import Card, CardShare, Node, Ticket
from ai_pal.transport.curve import fresh_keys
from tests.cluster_nodes import LoopbackNode
from tests.process.eventually import allowed, eventually
from tests.servers import ray_cluster

AGENT = "ai_pal.cluster.agent"
GB = 10**9
CARDS = "GPU-x:8,GPU-y:24"
"""Of node `a`, made up: see `tests.made_up_cards`."""

NOBODY = "tcp://127.0.0.1:9"
"""Where agents of these tests try to connect to."""


class Heard:
    """Implements `Events`, and holds engines to their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.keys: dict[str, str] = {}
        self.ends: dict[str, tuple[str, str]] = {}
        self.causes: dict[str, Code | None] = {}
        self.broken: list[str] = []

    def admitted(self, worker: str, key: str) -> None:
        with self._lock:
            if worker in self.keys or worker in self.ends:
                self.broken.append(f"{worker} was admitted twice, or after its end")
            self.keys[worker] = key

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        self.causes[worker] = cause
        self._ended(worker, "refused", reason)

    def lost(self, worker: str, reason: str) -> None:
        self._ended(worker, "lost", reason)

    def _ended(self, worker: str, how: str, reason: str) -> None:
        with self._lock:
            if worker in self.ends or (how == "refused" and worker in self.keys):
                self.broken.append(f"{worker} ended twice, or was refused after it was there")
            self.ends[worker] = how, reason


class Subject(Protocol):
    """An engine with two nodes, `a` and `b`."""

    heard: Heard
    engine: Engine

    def agents(self, node: str) -> list[psutil.Process]: ...

    def close(self) -> None: ...


class OverCommand:
    def __init__(self, folder: Path) -> None:
        self.heard = Heard()
        self._nodes = {"a": LoopbackNode(folder, "a", CARDS), "b": LoopbackNode(folder, "b")}
        events: Events = self.heard
        commands = {name: node.command for name, node in self._nodes.items()}
        self.engine: Engine = CommandEngine(commands, events)

    def agents(self, node: str) -> list[psutil.Process]:
        return self._nodes[node].processes(AGENT)

    def everything(self) -> list[psutil.Process]:
        return [process for node in self._nodes.values() for process in node.processes()]

    def close(self) -> None:
        self.engine.close()
        eventually(lambda: not self.everything())


class OverRay:
    def __init__(self, folder: Path) -> None:
        self.heard = Heard()
        self._cluster = ray_cluster.RayCluster("a", "b", cards={"a": CARDS})
        self._environ = pytest.MonkeyPatch()
        for name, value in self._cluster.environ.items():
            self._environ.setenv(name, value)
        from ai_pal.cluster.ray_engine import RayEngine  # only now: Ray reads its environment here

        self.engine: Engine = RayEngine(self._cluster.address, self.heard)

    def agents(self, node: str) -> list[psutil.Process]:
        return self._cluster.processes(node, "Agent")

    def close(self) -> None:
        self.engine.close()
        self._environ.undo()
        self._cluster.close()


needs_ray = pytest.mark.skipif(
    not ray_cluster.is_here() and not os.environ.get("CI"), reason="Ray is not here: scripts/setup --dev"
)
SUBJECTS: list[ParameterSet] = [
    pytest.param(OverCommand, id="command"),
    pytest.param(OverRay, id="ray", marks=needs_ray),
]


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    subject: Subject = request.param(tmp_path_factory.mktemp("nodes"))
    yield subject
    subject.close()
    assert not subject.heard.broken


def ticket(worker: str, node: str, *cards: CardShare) -> Ticket:
    return Ticket(worker, node, NOBODY, fresh_keys().public, cards=cards)


def answering(engine: Engine) -> dict[str, Node]:
    return {node.name: node for node in engine.nodes() if not node.silent}


def started(subject: Subject, **nodes: str) -> set[str]:
    """Agents that are there, on nodes by their names; their keys. All at once: nobody welcomes them, and they
    end by themselves before long."""
    for worker, node in nodes.items():
        subject.engine.start(ticket(worker, node))
    eventually(lambda: all(worker in subject.heard.keys or worker in subject.heard.ends for worker in nodes))
    assert not subject.heard.ends.keys() & nodes, subject.heard.ends
    return {subject.heard.keys[worker] for worker in nodes}


def test_nodes_tell_what_they_have(subject: Subject) -> None:
    eventually(lambda: len(answering(subject.engine)) == 2)
    assert [node.name for node in subject.engine.nodes()] == ["a", "b"]
    for node in answering(subject.engine).values():
        assert 0 < node.free <= node.total
        assert node.cores >= 1


def test_nodes_tell_their_cards_and_which_engines_compute_on_them(subject: Subject) -> None:
    eventually(lambda: len(answering(subject.engine)) == 2)
    nodes = answering(subject.engine)
    first, second = (
        Card("cuda:0", 8 * GB, 8 * GB, "made up", "GPU-x"),
        Card("cuda:1", 24 * GB, 24 * GB, "made up", "GPU-y"),
    )
    assert nodes["a"].cards == (first, second)
    assert nodes["a"].computing == {"llamacpp"}
    assert (nodes["b"].cards, nodes["b"].computing) == ((), frozenset())


def test_an_agent_that_is_to_have_cards_is_placed_and_gives_them_back(subject: Subject) -> None:
    for worker in ("cards_1", "cards_2"):
        took(subject, worker, CardShare("GPU-x", 0.7), CardShare("GPU-y", 0.7))
        if subject.engine.name == "ray":  # it knows of no other card than these
            beyond = f"beyond_{worker}"
            subject.engine.start(ticket(beyond, "a", CardShare("GPU-x", 0.1)))
            eventually(partial(subject.heard.ends.get, beyond))
            how, reason = subject.heard.ends[beyond]
            assert how == "refused"
            assert "0.1 of the graphics cards is needed, Ray has 0 of 2 left" in reason
        subject.engine.stop(worker)
        eventually(partial(subject.heard.ends.get, worker))


def took(subject: Subject, worker: str, *cards: CardShare) -> None:
    """Start an agent with these cards of node `a`, which is there then."""
    subject.engine.start(ticket(worker, "a", *cards))
    eventually(lambda: worker in subject.heard.keys or worker in subject.heard.ends)
    assert worker in subject.heard.keys, subject.heard.ends


def test_an_agent_is_where_its_ticket_says_has_a_key_of_its_own_and_is_stopped(subject: Subject) -> None:
    keys = started(subject, stopped_a="a", stopped_b="b")
    assert len(keys) == 2
    assert all(len(key) == 40 for key in keys)
    assert [len(subject.agents(node)) for node in "ab"] == [1, 1]
    subject.engine.stop("stopped_a")
    eventually(lambda: "stopped_a" in subject.heard.ends, within=allowed(GONE_SECONDS))
    assert subject.heard.ends["stopped_a"][0] == "lost"
    eventually(lambda: [len(subject.agents(node)) for node in "ab"] == [0, 1])
    subject.engine.stop("stopped_b")
    eventually(lambda: not subject.agents("b"))


def test_an_agent_that_dies_is_lost(subject: Subject) -> None:
    started(subject, killed="a")
    for process in subject.agents("a"):
        process.kill()
    eventually(lambda: "killed" in subject.heard.ends)
    how, reason = subject.heard.ends["killed"]
    assert how == "lost"
    assert reason


def test_a_node_that_does_not_exist_refuses(subject: Subject) -> None:
    subject.engine.start(ticket("nowhere", "c"))
    eventually(lambda: "nowhere" in subject.heard.ends)
    assert subject.heard.ends["nowhere"][0] == "refused"
    assert subject.heard.causes["nowhere"] == Code.NO_NODE, "and not too little memory"


def test_a_name_that_is_taken_is_an_error_and_one_that_never_was_is_stopped_in_vain(
    subject: Subject,
) -> None:
    subject.engine.start(ticket("taken", "a"))
    with pytest.raises(ValueError, match="taken"):
        subject.engine.start(ticket("taken", "a"))
    subject.engine.stop("taken")
    eventually(lambda: "taken" in subject.heard.ends)
    subject.engine.stop("taken")
    subject.engine.stop("never was")
