"""Ray's nodes by name, and what it would wait for in vain."""

from typing import Any

from ai_pal.cluster.ray_nodes import RayNode, alive, cards_of, refusal
from ai_pal.protocol.cluster import CardShare, Ticket

GB = 1_000_000_000


def row(node: str, name: str = "10.0.0.1", *, up: bool = True, host: str = "box") -> dict[str, Any]:
    """As Ray tells it: its name is its address unless it was given one."""
    return {
        "NodeID": node,
        "Alive": up,
        "NodeName": name,
        "NodeManagerAddress": "10.0.0.1",
        "NodeManagerHostname": host,
        "Resources": {"memory": 8.0 * GB},
    }


def names(*rows: dict[str, Any], failed: str = "", **used: str) -> dict[str, str]:
    return {name: node.id for name, node in alive(rows, used, {failed}).items()}


def test_a_node_is_called_as_it_was_started_or_as_its_host() -> None:
    assert names(row("1", "gpu"), row("2"), row("3", "gone", up=False)) == {"gpu": "1", "box": "2"}


def test_one_that_was_started_again_takes_the_place_of_its_silent_self() -> None:
    both = row("1", "gpu"), row("2", "gpu")
    assert names(*both, gpu="2") == {"gpu": "2"}, "it answers: nothing changes"
    assert names(*both, gpu="1") == {"gpu": "1"}
    assert names(*both, failed="1") == {"gpu": "2"}
    assert names(*both, failed="2") == {"gpu": "1"}
    assert names(both[0], failed="1") == {"gpu": "1"}, "there is no other"
    assert names(row("1", "gpu", up=False), row("2", "gpu"), gpu="1") == {"gpu": "2"}


def test_what_ray_would_wait_for_in_vain_is_refused_with_figures() -> None:
    node = RayNode("gpu", "1", {"memory": 8.0 * GB, "GPU": 2.0})

    def refused(need: int, *parts: float, **free: float) -> str:
        reason, cause = refusal(ticket(need, *parts), node, free)
        assert (cause is None) is (not reason or "of memory is" in reason)
        return reason

    assert refused(8 * GB, 0.3, 0.9, memory=8.0 * GB, GPU=2.0) == ""
    assert refused(0, 0.5, GPU=0.5) == ""
    assert refused(0) == ""
    assert refused(6 * GB, 1.0, memory=2.0 * GB, GPU=1.0) == (
        "6.0 GB of memory is needed, Ray has 2.0 GB of 8.0 GB left"
    )
    needed = "2 of the graphics cards is needed, Ray has 0 of 2 left"
    assert needed in refused(9 * GB, 0.3, 0.9, memory=2.0 * GB)
    assert "0.5 of the graphics cards is needed, Ray has 0.4 of 2 left" in refused(0, 0.5, GPU=0.4)


def test_a_part_of_one_card_is_asked_for_but_of_several_all_of_them() -> None:
    assert [cards_of(ticket(0, *parts)) for parts in ((), (0.00001,), (0.25,), (0.1, 0.1))] == [
        0, 0.0001, 0.25, 2,
    ]  # fmt: skip


def ticket(need: int, *parts: float) -> Ticket:
    return Ticket("w", "gpu", "", "", need=need, cards=tuple(CardShare("GPU-x", part) for part in parts))
