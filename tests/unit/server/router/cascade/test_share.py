"""A share of the doubts counts, whatever the numbers are; over many answers it is kept."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.protocol.doubt import Doubt
from ai_pal.server.router.cascade import share as shares
from ai_pal.server.router.cascade.watch import BEGINNING, Watch
from ai_pal.store.doubts import MOST_SEEN, ModelDoubts

SHAPES: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda dice: dice.gauss(1.0, 0.3),
    "skewed": lambda dice: dice.expovariate(2.0),
    "two values": lambda dice: float(dice.random() < 0.5),
    "few are sure": lambda dice: max(0.0, dice.gauss(0.0, 1.0)),
}


def answered(model: ModelDoubts, share: float, dice: random.Random, shape: str, flaws: float) -> bool:
    """Whether one more answer was doubted."""
    draw, watch = SHAPES[shape], Watch(model, "open", "auto", share)
    verdict = watch.begun() if watch.takes([draw(dice)] * BEGINNING) else None
    if verdict is None:
        flawed = ["loop"] if dice.random() < flaws else []
        verdict = watch.ended(Doubt(40, -draw(dice), 0.0, flawed))  # type: ignore[arg-type]
    watch.settle(doubted=verdict is not None)
    return verdict is not None


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**9),
    share=st.sampled_from((0.05, 0.1, 0.2, 0.3, 0.5)),
    shape=st.sampled_from(sorted(SHAPES)),
    flawed=st.sampled_from((0.0, 0.5)),
)
def test_the_share_is_kept_within_three_points(seed: int, share: float, shape: str, flawed: float) -> None:
    dice, model = random.Random(seed), ModelDoubts()
    doubted = [answered(model, share, dice, shape, flawed * share) for _ in range(400)]
    for begin in (200,) if shape == "two values" else (0, 200):  # equal ones count once enough is owed
        found = sum(doubted[begin : begin + 200]) / 200
        assert found == pytest.approx(share, abs=0.03), (begin, found)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_just_that(share: float) -> None:
    dice, model = random.Random(1), ModelDoubts()
    for _ in range(60):
        answered(model, share, dice, "normal", 0.0)
    assert {answered(model, share, dice, "normal", 0.0) for _ in range(40)} == {bool(share)}


def test_the_largest_doubts_are_those_that_count() -> None:
    seen = [float(number) for number in range(200)]
    doubts = [shares.doubt_of(value, seen) for value in (-1.0, 99.5, 170.5, 500.0)]
    assert doubts == pytest.approx([0.0, 0.5, 0.85, 1.0], abs=0.01)
    assert [shares.is_doubted(doubt, 0.2) for doubt in doubts] == [False, False, True, True]


def test_with_few_to_compare_with_nothing_is_said() -> None:
    assert shares.doubt_of(9.0, [1.0] * (shares.FEWEST_SEEN - 1)) is None
    assert not shares.is_doubted(None, 1.0)
    assert shares.threshold([1.0], 0.2) is None


@given(st.lists(st.floats(0, 10), min_size=20, max_size=200), st.floats(0.05, 0.95))
def test_the_threshold_is_a_quantile(seen: list[float], share: float) -> None:
    found = shares.threshold(seen, share)
    assert found is not None
    above = sum(value > found for value in seen)
    assert above <= share * len(seen) + 1


def test_only_the_latest_are_kept_and_only_numbers() -> None:
    dice, model = random.Random(3), ModelDoubts()
    for _ in range(3 * MOST_SEEN):
        answered(model, 0.2, dice, "normal", 0.0)
    (seen,) = model.kinds.values()
    assert len(seen.beginning) == MOST_SEEN
    assert len(seen.whole) == MOST_SEEN
    assert all(isinstance(value, float) for value in (*seen.beginning, *seen.whole, seen.owed))
