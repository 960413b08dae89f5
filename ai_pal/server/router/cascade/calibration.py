"""Whether a model's doubts tell its right answers from its wrong ones. Pure: numbers in, an area out."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import NamedTuple


class Marked(NamedTuple):
    """One answer: the number that doubts it, the larger the more, and whether it was right. Numbers are
    compared within a `group`: a kind of prompt, and where the number comes from."""

    group: Hashable
    doubt: float
    right: bool


def area(answers: Iterable[Marked]) -> float:
    """The area under the ROC curve of 'it is right', over all pairs of a right and a wrong answer of a group:
    the part of the pairs whose wrong one is doubted more, equal ones as half. 0.5, chance, without a pair."""
    groups: dict[Hashable, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for one in answers:
        groups[one.group][one.right].append(one.doubt)
    pairs, told = 0, 0.0
    for wrong, right in groups.values():
        pairs += len(wrong) * len(right)
        told += sum((bad > good) + 0.5 * (bad == good) for bad in wrong for good in right)
    return told / pairs if pairs else 0.5
