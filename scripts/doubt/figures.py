"""What doubts are worth: areas under the ROC curve, and what is gained when the most doubted answers go to a
strong model. Intervals are over questions drawn anew."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scripts.complexity.apgr import apgr
from scripts.complexity.exams import Array, Mask

Places = NDArray[np.int64]
DRAWS = 1000
SHARES = np.linspace(0.0, 1.0, 11)


def ranks(values: Array, groups: Array) -> Array:
    """Each value's place among those of its group, from 0 to 1, equal ones in the middle: as the router sees
    it, which compares within a kind of prompt."""
    found = np.empty(len(values))
    for group in np.unique(groups):
        there = groups == group
        own = values[there]
        below = (own[:, None] > own[None, :]).sum(1) + 0.5 * (own[:, None] == own[None, :]).sum(1)
        found[there] = below / max(len(own), 1)
    return found


def area(doubts: Array, right: Mask) -> float:
    """The part of the pairs of a right and a wrong answer whose wrong one is doubted more; NaN without."""
    wrong, good = doubts[~right], doubts[right]
    if not len(wrong) or not len(good):
        return float("nan")
    return float(
        ((wrong[:, None] > good).sum() + 0.5 * (wrong[:, None] == good).sum()) / (len(wrong) * len(good))
    )


def interval(figure: Callable[[Places], float], number: int) -> tuple[float, float]:
    """The middle 95% of a figure of chosen questions, drawn with replacement."""
    random = np.random.default_rng(0)
    drawn = [figure(random.integers(0, number, number)) for _ in range(DRAWS)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def gain(doubts: Array, right: Mask, strong: Array) -> float:
    """APGR: the part of the way from the local to the strong model gone over all shares; chance: 0.5."""
    return apgr(doubts, strong - right)


def wrong_among(doubts: Array, right: Mask, share: float) -> float:
    """Of the most doubted share of the answers, the part that is wrong."""
    most = np.argsort(-doubts, kind="stable")[: max(round(share * len(doubts)), 1)]
    return float(1.0 - right[most].mean())


def accuracy(doubts: Array, right: Mask, strong: Array, share: float) -> float:
    """The part that is right when the most doubted share is answered by the strong model."""
    return float(np.where(_given(doubts, share), strong, right).mean())


def cost(doubts: Array, costs: Array, share: float) -> float:
    """What a thousand answers cost when the most doubted share is answered by the strong model, given what
    each costs there."""
    return float(np.where(_given(doubts, share), costs, 0.0).mean() * 1000)


def _given(doubts: Array, share: float) -> Mask:
    """Which answers the strong model gives."""
    given = np.zeros(len(doubts), bool)
    given[np.argsort(-doubts, kind="stable")[: round(share * len(doubts))]] = True
    return given
