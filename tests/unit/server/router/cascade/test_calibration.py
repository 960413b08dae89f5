"""The area under the ROC curve, within groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.router.cascade.calibration import Marked, area


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
