"""When a process is started again: sooner where it lived long, later where it keeps ending."""

from ai_pal.restarts import Restarts


def test_each_early_end_doubles_the_wait_up_to_a_cap() -> None:
    restarts = Restarts(base=0.5, cap=3.0, calm=60.0)
    assert [restarts.wait(0.1) for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_long_life_begins_anew() -> None:
    restarts = Restarts(base=0.5, cap=30.0, calm=60.0)
    for _ in range(4):
        restarts.wait(59.0)
    assert restarts.wait(60.0) == 0.5
    assert restarts.wait(1.0) == 1.0


def test_no_number_of_ends_is_too_many() -> None:
    restarts = Restarts()
    assert max(restarts.wait(0.0) for _ in range(5000)) == 30.0
