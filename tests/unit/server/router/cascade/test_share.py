"""A share of the doubts counts, whatever the numbers are; over many answers it is kept."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.protocol.doubt import Doubt
from ai_pal.server.router.cascade import share as shares
from ai_pal.server.router.cascade.watch import BEGINNING, EXPLAINED, Escalate, Watch
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


@pytest.mark.parametrize("mode", ["ask", "auto"])
@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"two values"}))
def test_of_closed_prompts_too(shape: str, mode: Escalate) -> None:
    dice, model = random.Random(7), ModelDoubts()
    draw, doubted = SHAPES[shape], []
    for _ in range(400):
        watch, hard = Watch(model, "closed", mode, 0.2), draw(dice)
        verdict = watch.probed(hard + draw(dice)) or watch.ended(Doubt(2, -hard - draw(dice)))
        watch.settle(doubted=verdict is not None)
        doubted.append(verdict is not None)
    for begin in (0, 200):
        assert sum(doubted[begin : begin + 200]) / 200 == pytest.approx(0.2, abs=0.03), begin


def test_a_probe_and_the_whole_answer_count_together() -> None:
    seen = [(float(number), float(99 - number)) for number in range(0, 100, 2)]
    assert shares.doubt_of_both((98.0, 99.0), seen) == pytest.approx(1.0, abs=0.02)
    assert shares.doubt_of_both((-1.0, -1.0), seen) == pytest.approx(0.0, abs=0.02)
    assert shares.doubt_of_both((98.0, 1.0), seen) == pytest.approx(0.5, abs=0.02)
    assert shares.doubt_of_both((1.0, 1.0), seen[:5]) is None
    assert shares.mean_ranks([(0.1, 5.0), (0.2, 5.0)]) == pytest.approx([0.375, 0.625])


def test_whoever_is_only_told_hears_the_probe_and_the_answer_together() -> None:
    model = ModelDoubts()
    for number in range(100):
        model.seen("closed").add("probe", number / 100)
        model.seen("closed").add_both(number / 100, number / 100)
    watch = Watch(model, "closed", "ask", 0.2)
    assert watch.probed(0.995) is None
    assert watch.ended(Doubt(1, -0.1)) is None, "it says surely what it seemed not to know"
    assert watch.doubt == pytest.approx(0.55, abs=0.05)
    watch.settle(doubted=False)
    assert model.seen("closed").both[-1] == (0.995, 0.1)
    assert model.seen("closed").probe[-1] == 0.995
    assert model.seen("closed").whole == []


def test_answers_that_are_explained_are_compared_with_each_other() -> None:
    model = ModelDoubts()
    for number in range(100):
        model.seen("closed").add("probe", number / 100)
        model.seen("closed").add_both(number / 100, number / 1000)
        model.seen("closed").add_both(number / 100, 1 + number / 100, explained=True)
    watch = Watch(model, "closed", "ask", 0.2)
    assert watch.probed(0.5) is None
    assert watch.ended(Doubt(EXPLAINED + 1, -1.5)) is None, "every letter is surer than any explanation"
    assert watch.doubt == pytest.approx(0.5, abs=0.05)
    watch.settle(doubted=False)
    assert model.seen("closed").explained[-1] == (0.5, 1.5)
    watch = Watch(model, "closed", "ask", 0.2)
    watch.probed(0.5)
    watch.ended(Doubt(EXPLAINED, -1.5))
    assert watch.doubt == pytest.approx(0.75, abs=0.05)
    watch.settle(doubted=False)
    assert model.seen("closed").both[-1] == (0.5, 1.5)


@pytest.mark.parametrize(("mode", "doubted"), [("ask", True), ("auto", False)])
def test_where_the_probe_had_its_look_half_of_the_share_is_left(mode: Escalate, doubted: bool) -> None:
    model = ModelDoubts()
    for number in range(100):
        model.seen("closed").add("probe", number / 100)
        model.seen("closed").add_both(number / 100, number / 100)
    watch = Watch(model, "closed", mode, 0.2)
    assert watch.probed(0.85) is None
    assert (watch.ended(Doubt(2, -0.85)) is not None) is doubted


def test_an_answer_without_numbers_is_doubted_by_its_probe_alone() -> None:
    model = ModelDoubts()
    for number in range(100):
        model.seen("closed").add("probe", number / 100)
    watch = Watch(model, "closed", "ask", 0.2)
    watch.probed(0.995)
    verdict = watch.ended(Doubt())
    assert verdict is not None
    assert verdict.doubt == pytest.approx(1.0, abs=0.02)


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
