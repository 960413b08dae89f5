"""When an engine's threads stop spinning for each other."""

import pytest

from workers.spin_throttle import Sample, crowded


def others_use(cores: float) -> tuple[Sample, Sample]:
    """Two samples one second apart, in which we use two cores and others that many."""
    return Sample(10.0, 100.0, 50.0), Sample(11.0, 102.0 + cores, 52.0)


@pytest.mark.parametrize(
    ("cores", "spare", "was", "expected"),
    [
        (0.0, 0, False, False),
        (0.3, 0, False, False),
        (1.0, 0, False, True),
        (0.3, 0, True, True),
        (0.1, 0, True, False),
        (1.0, 1, False, False),
        (1.6, 1, False, True),
    ],
)
def test_others_on_our_cores_make_it_crowded(cores: float, spare: int, was: bool, expected: bool) -> None:
    assert crowded(*others_use(cores), spare, was) is expected


@pytest.mark.parametrize("was", [True, False])
def test_what_others_did_while_the_engine_rested_says_nothing(was: bool) -> None:
    before, after = others_use(1.0 if not was else 0.0)
    rested = Sample(after.at, after.everybody, after.own, before.rests + 1)
    assert crowded(before, rested, 0, was) is was
