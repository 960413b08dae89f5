"""What a chat template may take."""

import itertools
import time

import pytest

from workers.engines.template_limits import within


def test_what_ends_in_time_gives_its_result() -> None:
    assert within(5, lambda: sum(range(10))) == 45


def test_a_busy_machine_makes_no_template_long() -> None:
    def stands_still() -> str:
        time.sleep(0.05)
        return "x"

    assert within(0.01, stands_still) == "x"


def test_what_computes_too_long_is_ended() -> None:
    def computes() -> int:
        return sum(one(0) for _ in range(10**9))

    def one(number: int) -> int:
        return number + 1

    with pytest.raises(ValueError, match=r"longer than 0\.1 s"):
        within(0.1, computes)


def test_the_time_of_a_thread_is_not_asked_for_before_it_can_be_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = itertools.count()
    monkeypatch.setattr(time, "thread_time", lambda: next(times))
    assert within(60, lambda: [one.strip() for one in map(repr, range(3))]) == ["0", "1", "2"]
    assert next(times) == 1
