"""Load progress seen from outside."""

import pytest

from ai_pal.server.nodes.base import ProcessUsage
from ai_pal.server.pool.members.load_progress import RUNTIME_SHARE, LoadWatch

MB = 1_000_000
START = ProcessUsage(cpu=1.0, memory=50 * MB, read=10 * MB)


@pytest.fixture
def watch() -> LoadWatch:
    watch = LoadWatch(expected=100 * MB)
    assert watch.look(START) == 0.0
    return watch


def test_growing_memory_is_the_fraction_loaded(watch: LoadWatch) -> None:
    half = int(50 * MB * RUNTIME_SHARE)
    assert watch.look(ProcessUsage(1.5, START.memory + half, START.read)) == pytest.approx(0.5)


def test_it_is_never_complete_from_outside(watch: LoadWatch) -> None:
    assert watch.look(ProcessUsage(9.0, 900 * MB, 900 * MB)) == 0.99


def test_nothing_moved_is_no_progress(watch: LoadWatch) -> None:
    assert watch.look(START) is None


def test_what_beats_cost_is_no_progress_in_a_minute(watch: LoadWatch) -> None:
    for second in range(1, 61):
        usage = ProcessUsage(1.0 + second * 0.001, START.memory + second * 4096, START.read + second * 8)
        assert watch.look(usage) is None


@pytest.mark.parametrize(
    "usage",
    [
        ProcessUsage(3.0, START.memory, START.read),
        ProcessUsage(1.0, START.memory + 2 * 2**20, START.read),
        ProcessUsage(1.0, START.memory, START.read + 2 * 2**20),
        ProcessUsage(1.0, START.memory - 2 * 2**20, START.read),
    ],
    ids=["computes", "grows", "reads", "gives back"],
)
def test_each_kind_of_work_is_progress(watch: LoadWatch, usage: ProcessUsage) -> None:
    assert watch.look(usage) is not None


def test_slow_work_adds_up_to_progress(watch: LoadWatch) -> None:
    looks = [watch.look(ProcessUsage(1.0 + tenth / 50, START.memory, START.read)) for tenth in range(1, 120)]
    assert any(look is not None for look in looks)


def test_an_unknown_size_has_no_fraction() -> None:
    watch = LoadWatch(expected=0)
    watch.look(START)
    assert watch.look(ProcessUsage(9.0, 900 * MB, 0)) == 0.0
