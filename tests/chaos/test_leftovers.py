"""What is left of processes: one that ends between being found and being watched is waited for by nobody."""

import subprocess

from tests.chaos.leftovers import Leftovers

LIMIT = 5.0


def test_who_has_ended_before_it_is_watched_is_not_waited_for() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    seconds, left = Leftovers(lambda: [ended.pid]).wait(LIMIT)
    assert seconds < LIMIT
    assert not left


def test_who_lives_on_is_left_after_the_limit() -> None:
    with subprocess.Popen(["sleep", "60"]) as alive:
        try:
            assert Leftovers(lambda: [alive.pid]).wait(0.05)[1] == [alive.pid]
        finally:
            alive.kill()
