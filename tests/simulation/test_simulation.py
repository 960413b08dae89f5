"""Histories of the simulated world; `scripts/simulate` plays more of them."""

import functools
import itertools
import os
from collections import Counter

import pytest

from tests.simulation.plans import Fault, Temper
from tests.simulation.shortest import failure, shortest
from tests.simulation.world import World

SEEDS = int(os.environ.get("AI_PAL_CHAOS_ROUNDS", "200"))
GROUPS = 20
SWEPT = (59, 93, 97) if SEEDS <= 200 else (59, 93, 97, 58)
"""In these each operation fails once: three short ones with all that happens in the long one."""
FOUND = (544, 1060, 300633, 300696, 401703)
"""Seeds that broke a promise once."""
DOUBTED = (4, 36, 197, 281, 290, 505, 573, 614)
"""With doubts: seeds that broke a promise once, and two with second answers."""
LATE = (5, 59)
"""With doubts, where whoever else is asked begins late: seeds that broke a promise once."""
OPERATIONS = ("spawn", "to_worker", "from_worker", "to_client")


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_history_breaks_a_promise(group: int) -> None:
    for seed in range(group, SEEDS, GROUPS):
        print(f"replay with: scripts/simulate --seed {seed}")
        happened(seed)


@pytest.mark.parametrize("seed", FOUND)
def test_a_history_that_broke_a_promise_once_holds(seed: int) -> None:
    World(seed, doubts=False, replicas=False).run()


def test_one_seed_makes_one_history() -> None:
    first, second = World(7), World(7)
    first.run()
    second.run()
    assert first.history() == second.history()


def test_the_histories_hold_what_they_are_for() -> None:
    seen = sum((happened(seed) for seed in range(60)), start=World(0).checks.happened)
    ends = {
        "Done",
        "Failed",
        "Interrupted",
        "Cancelled",
        "Loaded",
        "Unloaded",
        "Embedded",
        "Reranked",
        "Counted",
    }
    events = {
        "retry",
        "reaped",
        "hung",
        "overloaded",
        "client_too_slow",
        "gave up: model_failed",
        "stood still",
        "insufficient_memory",
        "evicted",
        "memory taken",
        "reading",
        "attached",
        "looked on",
        "replica called",
        "several",
        "scaled down",
    }
    assert ends | events <= seen.keys()


def test_doubts_break_no_promise() -> None:
    """One end, no character lost or doubled, a second answer behind its seam only."""
    happened = World(0).checks.happened
    for seed in DOUBTED:
        print(f"replay with: World({seed}, tiers=True, doubts=True, replicas=False)")
        world = World(seed, tiers=True, doubts=True, replicas=False)
        world.run()
        happened += world.checks.happened
    assert {"second answer", "unsure", "doubted", "Done"} <= happened.keys()


def test_who_begins_when_a_draft_is_shown_already_breaks_no_promise() -> None:
    for seed in LATE:
        print(f"replay with: World({seed}, tiers=True, doubts=True, replicas=False, late=True)")
        World(seed, tiers=True, doubts=True, replicas=False, late=True).run()


def test_a_failing_history_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_a_promise(world: World) -> None:
        world.checks.expect(False, "planted")

    monkeypatch.setattr(World, "_stand_still", break_a_promise)
    failing = next(seed for seed in range(50) if "planted" in failure(World(seed)))
    deeds, history = shortest(failing)
    assert len(deeds) == 1
    assert "planted" in history
    assert "planted" in failure(World(failing, only=deeds))


@pytest.mark.parametrize("fault", list(Fault))
def test_a_model_that_always_fails_in_one_way_comes_to_an_end(fault: Fault) -> None:
    for seed in range(3):
        World(seed, {"faulty": Temper(1.0, (fault,)), "sound": Temper()}, rough=False).run()


@pytest.mark.parametrize("seed", SWEPT)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_nth_failure_of_each_operation_is_survived(operation: str, seed: int) -> None:
    """N = 1, 2, 3 ... until a run passes untouched."""
    for nth in itertools.count(1):
        world = World(seed, {"sound": Temper(slots=2)}, fails := FailOnce(operation, nth), rough=False)
        world.run()
        if fails.seen < nth:
            break
    assert nth > 2


class FailOnce:
    """Fails the `nth` operation of one kind."""

    def __init__(self, operation: str, nth: int) -> None:
        self.operation, self.nth, self.seen = operation, nth, 0

    def __call__(self, operation: str) -> bool:
        self.seen += operation == self.operation
        return operation == self.operation and self.seen == self.nth


@functools.cache
def happened(seed: int) -> Counter[str]:
    """What a history holds; it is played once."""
    world = World(seed)
    world.run()
    return world.checks.happened
