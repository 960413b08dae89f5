"""Learned seconds to the first content: what came last counts most."""

WEIGHT = 0.3
"""Of the latest answer; the rest is that of all before."""


def learned(before: float | None, seconds: float) -> float:
    """The exponentially weighted mean with one more answer."""
    return seconds if before is None else before + WEIGHT * (seconds - before)
