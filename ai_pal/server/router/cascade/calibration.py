"""Whether a model's doubts tell its right answers from its wrong ones. Pure: numbers in, an area out."""

import math
from collections import defaultdict
from collections.abc import Collection, Hashable
from typing import NamedTuple

SURE = 2.58
"""Standard errors on either side: 99 of 100 such intervals hold the area. It is looked at more than once."""


class Marked(NamedTuple):
    """One answer: the number that doubts it, the larger the more, and whether it was right. Numbers are
    compared within a `group`: a kind of prompt, and where the number comes from."""

    group: Hashable
    doubt: float
    right: bool


def area(answers: Collection[Marked]) -> float:
    """The area under the ROC curve of 'it is right', over all pairs of a right and a wrong answer of a group:
    the part of the pairs whose wrong one is doubted more, equal ones as half. 0.5, chance, without a pair."""
    pairs, told = 0, 0.0
    for wrong, right in _groups(answers):
        pairs += len(wrong) * len(right)
        told += sum((bad > good) + 0.5 * (bad == good) for bad in wrong for good in right)
    return told / pairs if pairs else 0.5


def interval(answers: Collection[Marked]) -> tuple[float, float]:
    """Between which the area lies, that of all questions there could be. By Hanley and McNeil (1982), each
    group weighted by its pairs."""
    groups = [(len(wrong), len(right)) for wrong, right in _groups(answers) if wrong and right]
    pairs = sum(wrong * right for wrong, right in groups)
    if not pairs:
        return 0.0, 1.0
    found = area(answers)
    inside = min(max(found, 0.05), 0.95)  # at an end, few answers would seem to leave no doubt
    one, two = inside / (2 - inside), 2 * inside**2 / (1 + inside)
    variance = 0.0
    for wrong, right in groups:
        spread = (wrong - 1) * (one - inside**2) + (right - 1) * (two - inside**2)
        variance += (inside * (1 - inside) + spread) * wrong * right
    error = SURE * math.sqrt(variance) / pairs
    return max(0.0, found - error), min(1.0, found + error)


def _groups(answers: Collection[Marked]) -> list[tuple[list[float], list[float]]]:
    """The doubts of each group: of wrong answers, of right ones."""
    groups: dict[Hashable, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for one in answers:
        groups[one.group][one.right].append(one.doubt)
    return list(groups.values())
