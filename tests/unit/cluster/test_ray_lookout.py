"""What is known of a node of Ray's: what its scout told last, and silence once that fails or stays away."""

import time
from concurrent.futures import Future
from typing import Any

import msgspec

from ai_pal.cluster.engine import SILENT_SECONDS
from ai_pal.cluster.ray_lookout import FORGET_SECONDS, Lookout
from ai_pal.cluster.ray_nodes import RayNode
from ai_pal.protocol.cluster import Node

ROW = RayNode("a", "id1", {})


class Scout:
    """An actor on the node, as Ray has it; each question stays open until it is answered here."""

    def __init__(self, node: RayNode) -> None:
        self.node, self.asked = node, list[Future[bytes]]()
        self.look = self

    def remote(self) -> "Scout":
        self.asked.append(Future())
        return self

    def future(self) -> "Future[bytes]":
        return self.asked[-1]

    def tells(self, cores: int) -> None:
        self.asked[-1].set_result(msgspec.json.encode(Node(self.node.name, 5, 9, cores)))


class Scouts:
    def __init__(self) -> None:
        self.all: list[Scout] = []

    def __call__(self, node: RayNode) -> Any:
        self.all.append(Scout(node))
        return self.all[-1]


def test_it_is_silent_until_its_scout_has_told_and_once_that_is_too_long_ago() -> None:
    scouts, now = Scouts(), time.monotonic()
    lookout = Lookout(ROW, scouts)
    assert lookout.node(now).silent
    assert lookout.is_new
    lookout.look(now)
    lookout.look(now)  # it is asked already
    assert [len(scout.asked) for scout in scouts.all] == [1]
    scouts.all[0].tells(4)
    assert (lookout.node(now).cores, lookout.node(now).silent, lookout.is_new) == (4, False, False)
    assert lookout.node(time.monotonic() + SILENT_SECONDS + 1).silent


def test_a_scout_that_fails_is_replaced_after_a_while() -> None:
    scouts, now = Scouts(), time.monotonic()
    lookout = Lookout(ROW, scouts)
    lookout.look(now)
    scouts.all[0].asked[0].set_exception(RuntimeError("pages\nits node died"))
    assert lookout.node(now).silent
    assert lookout.failed == ROW.id
    lookout.look(now)
    assert len(scouts.all) == 1
    lookout.look(time.monotonic() + 3600)
    assert len(scouts.all) == 2


def test_a_node_that_was_started_again_gets_a_scout_of_its_own_at_once() -> None:
    scouts, now = Scouts(), time.monotonic()
    lookout = Lookout(ROW, scouts)
    lookout.look(now)
    again = msgspec.structs.replace(ROW, id="id2")
    lookout.is_listed(again)
    lookout.look(now)
    assert [scout.node.id for scout in scouts.all] == ["id1", "id2"]
    scouts.all[0].tells(1)  # of its former self, too late
    assert lookout.node(now).silent
    scouts.all[1].tells(2)
    assert lookout.node(now).cores == 2


def test_a_node_that_ray_no_longer_lists_is_forgotten_in_the_end() -> None:
    lookout = Lookout(ROW, Scouts())
    now = time.monotonic()
    assert not lookout.forgotten(now)
    assert lookout.forgotten(now + FORGET_SECONDS + 1)
