"""Replicas over random histories: who gets a request, when one comes, when one goes."""

import hypothesis.strategies as st
from hypothesis import given
from msgspec.structs import replace

from ai_pal.server.pool.members.replicas import (
    MAY_LEAD,
    Bounds,
    Call,
    End,
    Facts,
    Pace,
    Replica,
    Standing,
    Taker,
    is_needed,
    next_look,
    scale,
    taker,
)

PACE = Pace(up_after=2.0, down_after=10.0, hold=5.0)
BOUNDS = st.integers(1, 4).flatmap(lambda least: st.builds(Bounds, st.just(least), st.integers(least, 5)))
TAKERS = st.lists(
    st.builds(Taker, st.integers(1, 9), st.integers(0, 8), st.integers(0, 5)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.number,
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Replica], Bounds, Facts]:
    bounds = draw(BOUNDS)
    beyond = draw(st.integers(0, 2))
    replicas = [
        Replica(number, draw(st.sampled_from(Standing)), draw(st.integers(0, 3)), draw(st.floats(0, 50)))
        for number in range(1, bounds.most + beyond + 1)
    ]
    facts = Facts(
        draw(st.none() | st.floats(0, 50)),
        draw(st.floats(0, 50)),
        draw(st.floats(0, 60)),
        draw(st.none() | st.floats(0, 20)),
    )
    return replicas, bounds, facts


def count(replicas: list[Replica]) -> int:
    return sum(one.is_there for one in replicas)


@given(TAKERS)
def test_a_request_goes_to_one_of_those_that_have_a_slot(takers: list[Taker]) -> None:
    chosen = next(one for one in takers if one.number == taker(takers))
    least = min(one.running for one in takers)
    assert chosen.running <= least + MAY_LEAD
    near = [one for one in takers if one.running <= least + MAY_LEAD]
    assert chosen.known == max(one.known for one in near) or chosen.running == least
    if not any(one.known for one in near):
        assert chosen.running == least


@given(situations(), st.floats(50, 100))
def test_no_step_leaves_the_bounds(situation: tuple[list[Replica], Bounds, Facts], now: float) -> None:
    replicas, bounds, facts = situation
    step = scale(replicas, bounds, PACE, facts, now)
    if isinstance(step, Call):
        called = next(one for one in replicas if one.number == step.number)
        assert called.standing is Standing.ABSENT
        assert step.number <= bounds.most
        assert count(replicas) < bounds.most
        assert now >= facts.held_until
    if isinstance(step, End):
        ended = next(one for one in replicas if one.number == step.number)
        assert ended.standing is Standing.UP
        assert not ended.running
        assert count(replicas) > bounds.least


@given(situations(), st.floats(50, 100))
def test_nothing_is_called_and_ended_again_at_once(
    situation: tuple[list[Replica], Bounds, Facts], now: float
) -> None:
    """After each step things come to rest: what was called is not ended, what was ended is not called."""
    replicas, bounds, facts = situation
    touched: dict[int, type[Call | End]] = {}
    for _ in range(20):
        step = scale(replicas, bounds, PACE, facts, now)
        if step is None:
            break
        assert touched.get(step.number, type(step)) is type(step)
        touched[step.number] = type(step)
        standing = Standing.COMING if isinstance(step, Call) else Standing.AWAY
        replicas = [replace(one, standing=standing) if one.number == step.number else one for one in replicas]
        if isinstance(step, End):
            facts = replace(facts, held_until=now + PACE.hold)
    else:
        raise AssertionError("it never comes to rest")
    there = count(replicas)
    held = now < facts.held_until
    absent = any(one.standing is Standing.ABSENT and one.number <= bounds.most for one in replicas)
    assert not there or there >= bounds.least or held or not absent


@given(situations(), st.floats(50, 52))
def test_a_change_that_time_brings_is_looked_for(
    situation: tuple[list[Replica], Bounds, Facts], now: float
) -> None:
    """Where nothing is to be done now, but is later without any event, the next look is not after that."""
    replicas, bounds, facts = situation
    if scale(replicas, bounds, PACE, facts, now) is not None:
        return
    look = next_look(replicas, bounds, PACE, facts, now)
    for tenths in range(1, 700):
        if scale(replicas, bounds, PACE, facts, now + tenths / 10) is not None:
            assert look is not None
            assert look <= now + tenths / 10
            return


@given(situations(), st.booleans())
def test_one_that_crashed_comes_back_only_within_the_bounds(
    situation: tuple[list[Replica], Bounds, Facts], waiting: bool
) -> None:
    replicas, bounds, _ = situation
    crashed, others = replicas[0], replicas[1:]
    if is_needed(crashed.number, others, bounds, waiting=waiting):
        assert crashed.number <= bounds.most
        assert waiting or 0 < count(others) < bounds.least
