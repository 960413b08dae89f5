"""Which doubts count: the largest share of a model's own latest, whatever their numbers are. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from ai_pal.store.doubts import Opinion

FEWEST_SEEN = 20
"""With fewer numbers to compare with, one says nothing."""

GAIN = 0.08
"""By how much the share grows for each answer that is owed. By itself a share of a fifth is kept within 5.5
points over 200 answers in 95 of 100 cases, as chance has it; so it was within 1.5."""

MOST_OWED = 12.0
"""Answers; what has piled up beyond it (all of them were flawed, say) is not made up for."""

OPINIONS = 10
"""So many opinions weigh as much as the setting; with fewer the order of plans stays as it is."""
MOSTLY_BAD, HARDLY_BAD = 0.5, 0.1
"""The part of the answers that were called bad, above and up to which the order of plans changes."""


def doubt_of(value: float, seen: Sequence[float]) -> float | None:
    """The part of the numbers in `seen` that `value` is above, from 0 to 1; equal ones count as half. None:
    there are too few of them."""
    if len(seen) < FEWEST_SEEN:
        return None
    return (_below(value, sorted(seen)) + 0.5) / (len(seen) + 1)


def doubt_of_both(pair: tuple[float, float], seen: Sequence[tuple[float, float]]) -> float | None:
    """The same of two numbers together, by the mean of their ranks."""
    *others, own = mean_ranks([*seen, pair])
    return doubt_of(own, others)


def mean_ranks(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """For each pair the mean of the parts of all first and of all second numbers that its own are above."""
    orders = sorted(one for one, _ in pairs), sorted(other for _, other in pairs)
    return [
        sum(_below(value, order) for value, order in zip(pair, orders, strict=True)) / (2 * len(pairs))
        for pair in pairs
    ]


def _below(value: float, ordered: Sequence[float]) -> float:
    """How many of them it is above; equal ones count as half."""
    return (bisect_left(ordered, value) + bisect_right(ordered, value)) / 2


def allowed(share: float, owed: float) -> float:
    """The share of the next answers that counts as doubted, so that `share` is kept over many."""
    return share if share in (0.0, 1.0) else min(1.0, max(0.0, share + GAIN * owed))


def owed_after(owed: float, share: float, *, doubted: bool) -> float:
    """What is owed after one more answer."""
    return min(MOST_OWED, max(-MOST_OWED, owed + share - doubted))


def learned(share: float, good: int, bad: int) -> float:
    """The share for a kind of prompt of whose answers people have called so many good and bad: the part of
    the bad ones, of `OPINIONS` more as many as the share says. The mean of a beta distribution."""
    return share if share in (0.0, 1.0) else (bad + OPINIONS * share) / (good + bad + OPINIONS)


def opinion(good: int, bad: int) -> Opinion:
    """What people hold of answers that they have called so often good and bad."""
    if good + bad < OPINIONS:
        return ""
    part = bad / (good + bad)
    return "bad" if part > MOSTLY_BAD else "good" if part <= HARDLY_BAD else ""


def is_doubted(doubt: float | None, share: float) -> bool:
    """Whether a doubt is among the largest `share`."""
    return doubt is not None and 1.0 - doubt < share


def first_half(share: float) -> float:
    """The part of a share for the first of two looks."""
    return share / 2


def second_half(share: float) -> float:
    """The part for the second look, at those that the first has let pass."""
    return (share / 2) / (1.0 - share / 2)


def threshold(seen: Sequence[float], share: float) -> float | None:
    """The number above which doubts count at this share, in the unit of `seen`; None: nobody knows yet."""
    if len(seen) < FEWEST_SEEN or share <= 0.0:
        return None
    ordered = sorted(seen)
    return ordered[min(len(ordered) - 1, max(0, round((1.0 - share) * len(ordered)) - 1))]
