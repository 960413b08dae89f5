"""Whether a series of measurements rises: least squares with a confidence bound. Pure."""

import math
from collections.abc import Sequence

import msgspec

SURE = 2.6
"""Student's t for 99 % on both sides with many samples: as seldom as that a flat series seems to rise."""
INDEPENDENT = 30
"""Neighbouring samples say the same twice: as many means as this are what the bound is made of."""


class Slope(msgspec.Struct, frozen=True):
    """Units per hour, and how far off that may be."""

    per_hour: float
    error: float

    @property
    def least(self) -> float:
        """What it rises by at least."""
        return self.per_hour - self.error


def slope(seconds: Sequence[float], values: Sequence[float]) -> Slope:
    """The line through these points, each the mean of neighbours. Source of the formulas: Draper and Smith,
    "Applied Regression Analysis", chapter 1."""
    times, means = _means(seconds), _means(values)
    count = len(times)
    middle, level = sum(times) / count, sum(means) / count
    spread = sum((t - middle) ** 2 for t in times)
    if count < 3 or not spread:
        return Slope(0.0, math.inf)
    rise = sum((t - middle) * (v - level) for t, v in zip(times, means, strict=True)) / spread
    rest = sum((v - level - rise * (t - middle)) ** 2 for t, v in zip(times, means, strict=True))
    error = math.sqrt(rest / (count - 2) / spread)
    return Slope(rise * 3600, SURE * error * 3600)


def _means(values: Sequence[float]) -> list[float]:
    size = max(1, len(values) // INDEPENDENT)
    whole = [values[at : at + size] for at in range(0, len(values) - size + 1, size)]
    return [sum(some) / len(some) for some in whole]
