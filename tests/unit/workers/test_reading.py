"""When a prompt's reading is worth a word."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from workers.reading import INTERVAL, PATIENCE, PromptReading

LONG = st.lists(
    st.tuples(st.floats(0.0, 3.0), st.integers(-5, 120)),
    max_size=40,
)


def test_a_figure_that_went_out_later_than_it_was_found_is_not_said_again() -> None:
    reading = PromptReading(0.0)
    assert reading.learn(50, 100, 2.0)
    assert not reading.learn(100, 100, 2.1)
    assert reading.said() == (100, 100)
    assert not reading.finish(2.2)


def test_a_prompt_that_is_read_soon_is_spoken_of_at_its_end() -> None:
    reading = PromptReading(0.0)
    assert not reading.learn(10, 100, 0.0)
    assert not reading.learn(90, 100, PATIENCE - 0.01)
    assert reading.finish(PATIENCE + 0.01)
    assert reading.said() == (100, 100)


def test_a_long_one_is_told_of_now_and_then_and_at_its_end() -> None:
    reading = PromptReading(0.0)
    told = [(tenth, reading.learn(tenth, 100, tenth / 10)) for tenth in range(31)]
    assert [tenth for tenth, is_told in told if is_told][:3] == [10, 13, 16]
    assert reading.finish(3.1)
    assert (reading.done, reading.total) == (100, 100)
    assert not reading.finish(3.2)


def test_what_has_not_moved_is_not_told_twice() -> None:
    reading = PromptReading(0.0)
    assert reading.learn(50, 100, 2.0)
    assert not reading.learn(50, 100, 4.0)


@given(LONG)
def test_figures_rise_stay_in_bounds_and_come_no_faster_than_promised(steps: list[tuple[float, int]]) -> None:
    reading, now, told = PromptReading(0.0), 0.0, []
    for seconds, done in steps:
        now += seconds
        if reading.learn(done, 100, now):
            told.append((now, reading.done))
    figures = [done for _, done in told]
    assert figures == sorted(set(figures))
    assert all(0 <= done <= 100 for done in figures)
    assert all(later - earlier >= INTERVAL - 1e-9 for (earlier, _), (later, _) in itertools.pairwise(told))
