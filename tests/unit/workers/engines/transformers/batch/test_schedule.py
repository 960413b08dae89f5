"""What one step computes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.engines.transformers.batch.schedule import (
    ALONE_SECONDS,
    BESIDE_SECONDS,
    LARGEST,
    SMALLEST,
    SMALLEST_WIDENED,
    Pace,
    Waiting,
    pace_of,
    plan,
)


def counts(lefts: list[int], chunk: int) -> list[int]:
    return plan([Waiting(left) for left in lefts], chunk)


def test_every_answer_gets_its_token_beside_a_long_prompt() -> None:
    assert counts([0, 5000, 0], 64) == [1, 64, 1]


def test_the_first_prompt_comes_first_and_leaves_the_rest_to_the_next() -> None:
    assert counts([40, 500, 500], 64) == [40, 24, 0]


@given(lefts=st.lists(st.integers(0, 1000), min_size=1, max_size=16), chunk=st.integers(1, 500))
def test_a_step_makes_progress_and_never_more_than_its_chunk(lefts: list[int], chunk: int) -> None:
    planned = counts(lefts, chunk)
    assert sum(planned) > 0
    assert sum(count for left, count in zip(lefts, planned, strict=True) if left) <= chunk
    assert all(count <= max(left, 1) for left, count in zip(lefts, planned, strict=True))


def test_a_slow_model_gets_small_chunks_at_once() -> None:
    pace = Pace(1, threads=1)
    assert pace.chunk(answers=0) == LARGEST
    pace.learn(tokens=100, seconds=10)
    assert pace.chunk(answers=0) == max(SMALLEST, int(10 * ALONE_SECONDS))


def test_a_fast_model_grows_into_large_chunks() -> None:
    pace = Pace(1 << 40, threads=1)
    for _ in range(20):
        pace.learn(pace.chunk(answers=0), seconds=0.01)
    assert pace.chunk(answers=0) > 100


def test_where_weights_are_widened_a_prompt_that_is_alone_is_not_read_in_crumbs() -> None:
    for device, smallest in (("cpu", SMALLEST_WIDENED), ("cuda", SMALLEST)):
        pace = pace_of(1 << 40, 1, 0, device, widened=True)
        pace.learn(tokens=SMALLEST, seconds=100)
        assert pace.chunk(answers=0) == smallest
        assert pace.chunk(answers=1) == SMALLEST


def test_no_chunk_is_larger_than_its_device_gains_from() -> None:
    assert Pace(1, threads=1, largest=100).chunk(answers=0) == 100


def test_chunks_are_smaller_while_answers_wait() -> None:
    pace = Pace(270_000_000, threads=2)
    assert pace.chunk(answers=1) < pace.chunk(answers=0)


def test_a_step_with_a_chunk_is_no_longer_than_its_answers_may_wait_from_the_first_on() -> None:
    pace, rate, plain = Pace(270_000_000, threads=2), 500, 0.06
    for _ in range(5):
        tokens = pace.chunk(answers=0)
        pace.learn(tokens, tokens / rate)
    pace.learn(0, plain, answers=4)
    for _ in range(5):
        tokens = pace.chunk(answers=4)
        seconds = plain + tokens / rate
        assert BESIDE_SECONDS * 0.9 < seconds < BESIDE_SECONDS * 1.01
        pace.learn(tokens, seconds, answers=4)


def test_answers_that_take_long_leave_something_to_the_prompt() -> None:
    pace = Pace(270_000_000, threads=2)
    pace.learn(0, 10.0, answers=8)
    assert pace.chunk(answers=8) >= pace.chunk(answers=0) * BESIDE_SECONDS / ALONE_SECONDS / 5


@pytest.mark.parametrize("answers", [0, 3])
def test_a_chunk_that_was_asked_for_is_kept(answers: int) -> None:
    pace = Pace(1, 1, fixed=33)
    pace.learn(500, 100)
    assert pace.chunk(answers) == 33
