"""What a load is told beside its model: windows for each slot come out of what is free beside it, and how
fast it reads was learned."""

from pathlib import Path
from typing import Any

import pytest

from ai_pal import memory
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.memory import Claims
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.windows import SLOTS, windows_of
from ai_pal.protocol.worker import GenerationDone, LoadModel
from ai_pal.server.pool.admission.admission import OF_WINDOWS, Admission, MemoryPolicy
from ai_pal.server.pool.members.model_worker import ModelWorker
from tests.unit.server.pool.model_workers import alone

MODEL, WINDOW = 1_000_000, 80_000
MORE = (SLOTS - 1) * WINDOW
ENOUGH = MODEL + int(MORE / OF_WINDOWS)


class World:
    """Implements `FreeMemory`, `Promises` and `Footprints`."""

    spare = None

    def __init__(self, free: int) -> None:
        self._free = free

    def free(self) -> int:
        return self._free

    def pressure(self) -> float:
        return 0.0

    def enter(self) -> Claims:
        return Claims()

    def leave(self, mine: Claims) -> None: ...

    def need(self, load: LoadModel) -> int:
        return MODEL + (windows_of(load) - 1) * WINDOW

    def headroom(self, load: LoadModel) -> int:
        return 0

    def reads(self, load: LoadModel) -> float:
        return 1000.0

    def learn(self, load: LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None: ...


def admitted(free: int, **settings: Any) -> ModelWorker:
    world: Any = World(free)
    load = LoadModel("m", "llamacpp", str(Path("m.gguf")), **{"slots": SLOTS, **settings})
    worker = alone(Resolved(load))
    decision = Admission(world, world, world, MemoryPolicy()).seek(worker, [worker], world)
    assert isinstance(decision, memory.Admit)
    return worker


def test_how_fast_prompts_are_read_is_learned_from_long_ones_and_fades_from_load_to_load() -> None:
    worker = admitted(ENOUGH)
    assert worker.load.reads == pytest.approx(900.0)
    for read, kept, seconds in ((2000, 0, 1.0), (200, 0, 0.01), (1000, 900, 0.01), (500, 0, 0.0)):
        worker.has_read(GenerationDone(1, "stop", Usage(read, kept, 5), seconds))
    assert worker.load.reads == 2000.0


@pytest.mark.parametrize(("free", "windows"), [(ENOUGH, SLOTS), (ENOUGH - 8, 1)])
def test_a_slot_has_a_window_of_its_own_where_that_is_little_of_what_is_free(free: int, windows: int) -> None:
    worker = admitted(free)
    assert windows_of(worker.load) == windows
    assert worker.reserved == MODEL + (windows - 1) * WINDOW


def test_what_was_asked_for_is_not_for_the_supervisor_to_say() -> None:
    assert admitted(MODEL + MORE, options={"windows": "own"}).reserved == MODEL + MORE
    for settings in (
        {"options": {"windows": "shared"}},
        {"slots": 1},
        {"slots": 0},
        {"options": {"speculate": "ngram"}},
    ):
        assert admitted(ENOUGH, **settings).reserved == MODEL, settings
