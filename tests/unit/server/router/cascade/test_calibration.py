"""The area under the ROC curve, within groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.router.cascade.calibration import SURE, Marked, area, interval


def test_doubt_that_tells_all_has_the_area_one_and_the_opposite_none() -> None:
    told = [Marked("a", 0.1, True), Marked("a", 0.2, True), Marked("a", 0.9, False)]
    assert area(told) == 1.0
    assert area([Marked("a", -one.doubt, one.right) for one in told]) == 0.0


def test_equal_doubts_tell_nothing() -> None:
    assert area([Marked("a", 1.0, True), Marked("a", 1.0, False)]) == 0.5


@pytest.mark.parametrize("right", [True, False])
def test_without_a_right_and_a_wrong_answer_nothing_is_known(right: bool) -> None:
    assert area([Marked("a", 1.0, right), Marked("a", 2.0, right)]) == 0.5
    assert area([]) == 0.5


def test_numbers_of_different_groups_are_not_compared() -> None:
    low = [Marked("a", 0.1, True), Marked("a", 0.2, False)]
    high = [Marked("b", 5.0, True), Marked("b", 6.0, False)]
    assert area([*low, *high]) == 1.0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), max_size=40))
def test_it_depends_on_the_order_of_doubts_alone(told: list[tuple[str, int, bool]]) -> None:
    plain = area([Marked(group, float(doubt), right) for group, doubt, right in told])
    assert 0.0 <= plain <= 1.0
    assert plain == area([Marked(group, doubt**3 + 1.0, right) for group, doubt, right in told])


def of(wrong: list[float], right: list[float]) -> list[Marked]:
    return [Marked("a", one, False) for one in wrong] + [Marked("a", one, True) for one in right]


def test_the_interval_is_that_of_hanley_and_mcneil() -> None:
    told = of([0.1, 0.5, 0.9] * 20, [0.0, 0.4, 0.8] * 20)
    low, high = interval(told)
    assert area(told) == pytest.approx(2 / 3)
    assert (high - low) / 2 == pytest.approx(SURE * 0.0494, abs=0.001)


def test_more_answers_make_the_interval_narrow_and_few_ones_leave_it_open() -> None:
    few, many = (interval(of([1.0] * number, [0.0] * number)) for number in (3, 60))
    assert many[0] > few[0]
    assert few[0] < 0.75
    assert interval(of([], [0.0] * 60)) == (0.0, 1.0)
