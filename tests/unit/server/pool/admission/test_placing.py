"""Loads on devices: what lies there takes nothing of the host, and no byte is promised twice."""

from pathlib import Path

import pytest

from ai_pal import memory
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.memory import Claims
from ai_pal.memory.devices import Device
from ai_pal.memory.estimates import LearnedFootprints, blocks_of
from ai_pal.memory.placement import RESERVE
from ai_pal.protocol.worker import LoadModel, Share
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission import placing
from ai_pal.server.pool.admission.admission import Admission, MemoryPolicy
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from tests.gguf_files import gguf
from tests.unit.server.pool.model_workers import alone

GB = 1_000_000_000
LAYERS, SIZE = 4, 4096
FRONT: dict[str, object] = {
    "general.architecture": "llama",
    "llama.context_length": 512,
    "llama.block_count": LAYERS,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
}
CACHE = 512 * 2 * 64 * 2
"""Bytes of a layer's part of the window."""
EVERY = [SIZE + CACHE] * LAYERS + [SIZE]


class OneCard:
    """Implements `Devices`, with room for so many bytes beside what each process takes there."""

    def __init__(self, room: int) -> None:
        self.room = room

    def look(self, engine: str) -> list[Device]:
        return [Device("cuda:0", RESERVE + self.room, 10 * GB)] if engine == "llamacpp" else []


class World:
    """Implements `FreeMemory` and `Promises`: all is free, and nobody else is there."""

    def free(self) -> int:
        return 8 * GB

    def pressure(self) -> float:
        return 0.0

    def enter(self) -> Claims:
        return Claims()

    def leave(self, mine: Claims) -> None: ...


class Nobody:
    """A warm pool without a spare."""

    spare = None


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tensors = [(f"blk.{at}.attn_q.weight", 0, at * SIZE) for at in range(LAYERS)]
    tensors += [("output.weight", 0, LAYERS * SIZE), ("token_embd.weight", 0, (LAYERS + 1) * SIZE)]
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf(FRONT, tensors, data=(LAYERS + 2) * SIZE))
    return file


def place(
    one: ModelWorker, every: list[ModelWorker], card: OneCard, *idle: ModelWorker
) -> memory.Refuse | memory.Wait | memory.Evict | None:
    blocks, seen = placing.blocks_for(one), card.look(one.resolved.load.engine)
    placed = placing.place(one, blocks, every, seen, lambda other: other in idle)
    one.placement = placed.shares
    return placed.first


def loaded(model: Path, since: float, blocks: int, card: OneCard) -> ModelWorker:
    """One that has so many blocks on the card, and is idle since then."""
    other = worker(model, context=100 + int(since))  # a name of its own
    other.state, other.reserved, other.idle_since = lifecycle.State(Phase.READY), 1, since
    other.placement = [Share("cuda:0", blocks, sum(EVERY[-blocks:]))]
    card.room -= sum(EVERY[-blocks:])
    return other


def worker(model: Path, **settings: object) -> ModelWorker:
    load = LoadModel(str(model), "llamacpp", str(model), **settings)  # type: ignore[arg-type]
    return alone(Resolved(load))


def test_each_layer_counts_with_its_part_of_the_cache(model: Path) -> None:
    blocks = blocks_of(LoadModel("m", "llamacpp", str(model)))
    assert blocks is not None
    assert blocks.sizes == EVERY


def test_what_lies_on_a_device_takes_nothing_of_the_host(model: Path, tmp_path: Path) -> None:
    footprints = LearnedFootprints(tmp_path / "seen")
    needs = []
    for number in (1, 3):
        one = worker(model)
        assert place(one, [one], OneCard(sum(EVERY[-number:]))) is None
        assert one.placement == [Share("cuda:0", number, sum(EVERY[-number:]))]
        assert one.load.placement == one.placement
        needs.append(footprints.need(one.load))
    assert needs[0] - needs[1] == 2 * (SIZE + CACHE)


def test_what_it_took_is_learned_for_each_placement(model: Path, tmp_path: Path) -> None:
    footprints = LearnedFootprints(tmp_path / "seen")
    there, here = worker(model), worker(model)
    there.placement = [Share("cuda:0", 3)]
    before = footprints.need(here.load)
    footprints.learn(there.load, GB // 2, resident=GB // 2)
    assert footprints.need(here.load) == before
    assert footprints.need(there.load) > before


def test_a_load_goes_to_the_host_where_no_layer_fits(model: Path) -> None:
    one = worker(model)
    assert place(one, [one], OneCard(SIZE - 1)) is None
    assert one.placement == []


def test_an_engine_without_devices_is_left_alone(model: Path) -> None:
    one = alone(Resolved(LoadModel("echo", "echo")))
    assert place(one, [one], OneCard(GB)) is None
    assert one.placement is None


def test_what_is_asked_for_by_number_and_does_not_fit_is_refused_with_the_figures(model: Path) -> None:
    one = worker(model, gpu_layers=3)
    decision = Admission(World(), World(), LearnedFootprints(model), MemoryPolicy(), OneCard(9)).seek(
        one,
        [one],
        Nobody(),  # type: ignore[arg-type]
    )
    assert isinstance(decision, memory.Refuse)
    assert f"{model} needs 0 MB on the GPU, 0 MB is free there" in decision.reason
    assert one.reserved == 0
    gone = worker(model, device="cuda:5")
    assert place(gone, [gone], OneCard(9)) is None, "the worker says that there is none"


def test_what_a_load_under_way_was_promised_is_nobody_elses(model: Path, tmp_path: Path) -> None:
    card = OneCard(sum(EVERY))
    admission = Admission(World(), World(), LearnedFootprints(tmp_path / "s"), MemoryPolicy(), card)
    first, second = worker(model), worker(model)
    for one in (first, second):
        decision = admission.seek(one, [first, second], Nobody())  # type: ignore[arg-type]
        assert isinstance(decision, memory.Admit)
    assert first.placement == [Share("cuda:0", LAYERS + 1, sum(EVERY))]
    assert second.placement == []
    # Once it is loaded, the card itself tells what is taken.
    first.state = lifecycle.State(Phase.READY)
    assert place(second, [first, second], card) is None
    assert second.placement == first.placement


def test_idle_models_go_where_all_of_a_load_fits_then_the_longest_idle_first(model: Path) -> None:
    card = OneCard(2 * sum(EVERY))
    first, second = (loaded(model, since, LAYERS + 1, card) for since in (1.0, 2.0))
    one = worker(model)
    every = [first, second, one]
    assert place(one, every, card) is None
    assert one.placement == [], "busy ones are left alone"
    decision = place(one, every, card, first, second)
    assert isinstance(decision, memory.Evict)
    assert decision.models == (first.name,)
    first.state = lifecycle.State(Phase.STOPPING)
    assert isinstance(place(one, every, card, second), memory.Wait)
    card.room += sum(EVERY)
    assert place(one, [second, one], card, second) is None
    assert one.placement == [Share("cuda:0", LAYERS + 1, sum(EVERY))]


def test_no_model_goes_in_vain_for_a_card(model: Path) -> None:
    card = OneCard(sum(EVERY) - 1)
    small = loaded(model, 1.0, 3, card)
    one = worker(model)
    assert place(one, [small, one], card, small) is None, "not all of it would fit"
    assert one.placement == [Share("cuda:0", 2, sum(EVERY[-2:]))]
    here = worker(model, device="cpu")
    assert place(here, [small, here], card, small) is None
    assert here.placement == []
    named = worker(model, gpu_layers=LAYERS)
    decision = place(named, [small, named], card, small)
    assert isinstance(decision, memory.Evict)
    assert decision.models == (small.name,)


def test_a_replica_comes_only_where_as_much_of_it_fits_on_the_card(model: Path, tmp_path: Path) -> None:
    card = OneCard(sum(EVERY))
    admission = Admission(World(), World(), LearnedFootprints(tmp_path / "s"), MemoryPolicy(), card)
    first = worker(model)
    assert isinstance(admission.seek(first, [first], Nobody()), memory.Admit)  # type: ignore[arg-type]
    first.state = lifecycle.State(Phase.READY)
    first.group.members.append(second := ModelWorker(first.group, 2))
    every = [first, second]
    card.room -= SIZE
    decision = admission.seek(second, every, Nobody())  # type: ignore[arg-type]
    assert isinstance(decision, memory.Refuse)
    assert "less of" in decision.reason
    card.room += SIZE
    assert isinstance(admission.seek(second, every, Nobody()), memory.Admit)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "fits"), [(GB, True), (9 * GB, False)])
def test_what_fits_takes_nothing_from_anybody(size: int, fits: bool) -> None:
    class Needs:
        def need(self, load: LoadModel) -> int:
            return size

    world = World()
    admission = Admission(world, world, Needs(), MemoryPolicy(low=0))  # type: ignore[arg-type]
    assert admission.fits(LoadModel("m", "echo"), [], Nobody()) is fits  # type: ignore[arg-type]
