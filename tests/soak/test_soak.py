"""A short soak: no request goes wrong; that nothing grows takes `scripts/soak` half an hour."""

import random

import pytest

from tests.soak.__main__ import run
from tests.soak.slope import slope

SECONDS = 15.0


@pytest.mark.real_model
def test_no_request_goes_wrong_under_mixed_load() -> None:
    samples = run(SECONDS, random.SystemRandom().randrange(1_000_000))
    print(samples.text())
    assert not samples.broken
    assert samples.ends["done"]
    assert samples.picture().startswith("<svg")


def test_a_leak_is_told_from_noise() -> None:
    dice = random.Random(1)
    times = [float(second) for second in range(1800)]
    noise = [100 + dice.gauss(0, 5) for _ in times]
    flat = slope(times, noise)
    assert flat.least <= 0 <= flat.per_hour + flat.error
    leaking = slope(times, [value + second * 20 / 3600 for value, second in zip(noise, times, strict=True)])
    assert leaking.least > 10
    assert abs(leaking.per_hour - 20) < 5
