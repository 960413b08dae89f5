"""Workers on the nodes of a real Ray cluster on loopback, as a user of the supervisor has them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, assert_exact_prefix, end_of, until
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised, status_of
from tests.servers import ray_cluster

pytestmark = pytest.mark.skipif(
    not ray_cluster.is_here() and not os.environ.get("CI"), reason="Ray is not here: scripts/setup --dev"
)

HARDLY = 100
"""Bytes that the head may give out: nothing is placed there."""


@pytest.fixture
def ray() -> Iterator[ray_cluster.RayCluster]:
    with ray_cluster.RayCluster("head", "b", head_memory=HARDLY) as cluster:
        yield cluster


@pytest.fixture
def supervisor(ray: ray_cluster.RayCluster, ai_pal_home: Path) -> Iterator[Supervised]:
    file = ai_pal_home / "config.toml"
    file.write_text(f'[cluster]\nengine = "ray"\naddress = "{ray.address}"\n')
    with Supervised(environment(ai_pal_home) | ray.environ, config=file) as running:
        yield running


def answering(client: Client) -> list[str]:
    return [node.name for node in client.status().nodes if not node.silent]


def test_a_worker_is_lost_with_its_node_and_all_end_with_their_supervisor(
    supervisor: Supervised, ray: ray_cluster.RayCluster
) -> None:
    with supervisor.client() as client:
        eventually(lambda: answering(client) == ["b", "head"])
        assert client.ask(PROMPT, model="echo").text
        assert (status := status_of(client)) is not None
        assert status.node == "b"

        events = iter(ask(client))
        begun = until(events, wire.Delta)
        ray.kill("b")
        all_of_it = [*begun, *events]
        assert_exact_prefix(all_of_it)
        assert "the worker was lost: " in end_of(all_of_it, wire.Interrupted).reason.message
        eventually(lambda: answering(client) == ["head"])

        ray.add("b")
        eventually(lambda: answering(client) == ["b", "head"])
        assert client.ask(PROMPT, model="echo").text

    assert ray.processes("b", "Agent")
    supervisor.process.kill()
    eventually(lambda: not ray.processes("b", "Agent"))
