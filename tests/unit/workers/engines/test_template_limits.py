"""What a chat template may take."""

import time

from workers.engines.template_limits import within


def test_what_ends_in_time_gives_its_result() -> None:
    assert within(5, lambda: sum(range(10))) == 45


def test_a_busy_machine_makes_no_template_long() -> None:
    def stands_still() -> str:
        time.sleep(0.05)
        return "x"

    assert within(0.01, stands_still) == "x"
