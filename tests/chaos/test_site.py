"""Sites that are played side by side have networks of their own."""

from contextlib import ExitStack

from tests.chaos import site


def test_no_two_sites_have_one_subnet() -> None:
    with ExitStack() as held:
        numbers = []
        for _ in range(4):
            number, reserved = site.reserved()
            held.enter_context(reserved)
            numbers.append(number)
        assert len(set(numbers)) == 4
        assert set(numbers) <= set(range(1, site.SUBNETS + 1))
