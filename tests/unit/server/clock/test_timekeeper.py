"""Which seconds count, and when the alarm rings in them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.clock.timekeeper import HELD_UP, LOOK, Timekeeper


def rung_at(keeper: Timekeeper, raw: float, late: float = 0.0) -> float:
    """Looks when it has to be looked at, each time so late; the raw time when it rings."""
    while True:
        raw += max(0.0, keeper.next - keeper.now(raw)) + late
        if keeper.look(raw):
            return raw


def test_it_rings_when_it_is_due() -> None:
    keeper = Timekeeper()
    assert keeper.wake_at(15.5, 12.0)
    assert math.isclose(rung_at(keeper, 12.0), 15.5)
    assert keeper.next == math.inf


def test_a_standstill_counts_as_one_look() -> None:
    keeper = Timekeeper()
    keeper.wake_at(15.5, 12.0)
    assert keeper.now(100.0) == 12.0 + LOOK
    assert math.isclose(rung_at(keeper, 100.0), 100.0 + 3.5 - LOOK)


def test_a_look_that_is_a_little_late_costs_nothing() -> None:
    keeper = Timekeeper()
    keeper.wake_at(15.5, 12.0)
    assert rung_at(keeper, 12.0, late=HELD_UP / 2) < 15.5 + HELD_UP


def test_while_nothing_is_set_all_of_the_time_counts() -> None:
    keeper = Timekeeper()
    assert keeper.now(10.0) == 10.0
    assert keeper.now(1000.0) == 1000.0
    keeper.wake_at(1001.0, 1000.5)
    assert keeper.now(1000.7) == 1000.7


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=30))
def test_time_never_goes_back_and_never_runs_faster(steps: list[tuple[float, float]]) -> None:
    keeper, raw = Timekeeper(), 0.0
    before = keeper.now(raw)
    for passed, until_alarm in steps:
        raw += passed
        now = keeper.now(raw)
        assert before <= now <= before + passed + 1e-9
        before = now
        keeper.wake_at(now + until_alarm, raw)
