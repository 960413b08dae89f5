"""Area under the quality-against-cost curve (APGR, arXiv 2406.18665 section 3.2), exact, with intervals."""

import numpy as np

from scripts.complexity.exams import Array


def apgr(scores: Array, gap: Array) -> float:
    """0.5 is random. Prompts go to the strong side from the highest score down, ties in expectation."""
    _, inverse, number = np.unique(-scores, return_inverse=True, return_counts=True)
    last = np.cumsum(number)
    rank = ((last - number + 1 + last) / 2)[inverse]
    return float(np.dot(gap, 1 - (rank - 0.5) / len(gap)) / gap.sum())


def interval(scores: Array, gap: Array, draws: int = 1000) -> tuple[float, float]:
    """The middle 95% of APGR over prompts drawn anew with replacement."""
    random = np.random.default_rng(0)
    figures = []
    for _ in range(draws):
        chosen = random.integers(0, len(gap), len(gap))
        if gap[chosen].sum() > 0:
            figures.append(apgr(scores[chosen], gap[chosen]))
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)
