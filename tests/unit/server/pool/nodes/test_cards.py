"""Which node and which of its cards a model gets, in the pool as it is."""

from pathlib import Path

import pytest

from ai_pal.errors import Code
from ai_pal.memory.placement import RESERVE
from ai_pal.protocol.cluster import Card, CardShare, Node
from ai_pal.protocol.worker import LoadModel, Share
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.nodes import given_back
from tests.gguf_files import gguf
from tests.unit.server.pool.admission.test_placing import EVERY, FRONT, LAYERS, SIZE
from tests.unit.server.pool.nodes.test_nodes import GB, NEED, World

ALL = sum(EVERY)
HALF = sum(EVERY[-2:])
PART = NEED // (len(EVERY) + 1)


class OnCards(World):
    """A model of real layers, of which what lies on cards needs nothing of a node's memory."""

    def need(self, load: LoadModel) -> int:
        return NEED - sum(share.blocks for share in load.placement or ()) * PART


@pytest.fixture
def model(tmp_path: Path) -> LoadModel:
    tensors = [(f"blk.{at}.attn_q.weight", 0, at * SIZE) for at in range(LAYERS)]
    tensors += [("output.weight", 0, LAYERS * SIZE), ("token_embd.weight", 0, (LAYERS + 1) * SIZE)]
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(FRONT, tensors, data=(LAYERS + 2) * SIZE))
    return LoadModel("echo", "llamacpp", str(file))


def node(name: str, *rooms: int, free: int = 3 * GB, engine: str = "llamacpp") -> Node:
    """One whose cards have this room each beside what a process takes there."""
    cards = tuple(
        Card(f"cuda:{at}", RESERVE + room, 10 * GB, "", f"GPU-{name}{at}") for at, room in enumerate(rooms)
    )
    return Node(name, free, 9 * GB, cards=cards, computing=frozenset({engine}) if rooms else frozenset())


def demanding(model: LoadModel, device: str = "cuda") -> LoadModel:
    return LoadModel(model.model, model.engine, model.path, device=device)


def test_it_goes_where_all_of_it_lies_on_a_card_and_sees_that_card_alone(model: LoadModel) -> None:
    world = OnCards(node("many", free=90 * GB), node("few", HALF), node("gpu", 1, ALL), load=model)
    world.ask()
    (spec,) = world.specs
    assert spec.node == "gpu"
    assert spec.cards == (CardShare("GPU-gpu1", ALL / (10 * GB), ALL),)
    assert spec.need == NEED - len(EVERY) * PART
    world.hello()
    (load,) = world.loads
    assert isinstance(load, LoadModel)
    assert load.placement == [Share("cuda:0", LAYERS + 1, ALL - 0)], "the only one that it sees is its first"


def test_what_lies_on_a_card_takes_none_of_the_nodes_memory(model: LoadModel) -> None:
    world = OnCards(node("gpu", ALL, free=GB), load=model)
    world.ask()
    assert world.placed == ["gpu"]
    less = OnCards(node("gpu", HALF, free=GB), load=model)
    less.ask()
    assert not less.specs
    assert less.end is not None
    assert "gpu has 1.0 GB free and " in less.end.message
    assert "where it needs 1.3 GB beside its cards" in less.end.message


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_a_node_without_a_card_never_gets_what_demands_one(model: LoadModel, device: str) -> None:
    other = node("other", ALL, engine="transformers")
    world = OnCards(node("none", free=90 * GB), other, node("gpu", HALF), load=demanding(model, device))
    world.ask()
    assert world.placed == ["gpu"]
    lacking = OnCards(node("none", free=90 * GB), other, node("gpu", 0), load=demanding(model, device))
    lacking.ask()
    lacking.wait(2.0)
    assert not lacking.specs
    assert lacking.end is not None
    assert lacking.end.code == Code.INSUFFICIENT_MEMORY
    figures = (
        "gpu has 0.8 GB on cuda:0 free, none has no card, other has no llamacpp that computes on its cards"
    )
    assert lacking.end.message.endswith(f"; {figures}")


def test_a_card_that_is_named_is_the_one(model: LoadModel) -> None:
    world = OnCards(node("one", ALL), node("two", ALL, HALF), load=demanding(model, "cuda:1"))
    world.ask()
    (spec,) = world.specs
    assert [card.uuid for card in spec.cards] == ["GPU-two1"]
    world.hello()
    (load,) = world.loads
    assert isinstance(load, LoadModel)
    assert load.device == "", "what was its second card is the only one that it sees"
    none = OnCards(node("one", ALL), load=demanding(model, "cuda:1"))
    none.ask()
    assert none.end is not None
    assert none.end.message.endswith("; one has no cuda:1")


def test_no_bytes_of_a_card_are_promised_twice(model: LoadModel) -> None:
    world = OnCards(node("a", ALL, free=90 * GB), node("b", ALL, free=90 * GB), load=model, replicas=2)
    world.ask()
    assert sorted(world.placed) == ["a", "b"]
    one = OnCards(node("a", ALL, free=90 * GB), load=model, replicas=2)
    one.ask()
    assert one.placed == ["a"], "one more replica would be slower than the first"


def test_a_card_that_was_given_back_is_waited_for_until_its_node_has_told_it(model: LoadModel) -> None:
    free, full = node("a", ALL, free=90 * GB), node("a", 0, free=90 * GB)
    world = OnCards(free, load=model)
    world.ask()
    world.hello()
    world.there = (full,)  # as it was a second ago
    world.exits[-1](ExitStatus(lost=True, reason="its agent has gone"))
    world.wait(given_back.SECONDS / 2)
    assert len(world.specs) == 1, "it is computed by processors for as long as it runs"
    world.there = (free,)
    world.wait(1.0)
    assert [spec.cards for spec in world.specs] == [world.specs[0].cards] * 2
    world.hello()
    world.there = (full,)
    world.exits[-1](ExitStatus(lost=True, reason="its agent has gone"))
    world.wait(given_back.SECONDS + 1.0)
    assert [bool(spec.cards) for spec in world.specs] == [True, True, False], "somebody else has it now"


def test_a_loss_gives_the_card_back(model: LoadModel) -> None:
    world = OnCards(node("a", ALL), load=model)
    world.ask()
    world.hello()
    world.exit(lost=True, reason="its node has gone")
    world.wait(5.0)
    assert world.placed == ["a", "a"]
    assert [spec.cards for spec in world.specs] == [world.specs[0].cards] * 2
