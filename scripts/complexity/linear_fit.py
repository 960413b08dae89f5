"""Weights for one purpose each: to order exam questions, to tell tiers apart. In closed form."""

import numpy as np

from ai_pal.server.router.complexity.features import names
from scripts.complexity.exams import Array, Exams, Mask

GAP_SHARE = 0.65  # of the target where only one pair of models is known; the rest is that the weak one failed
SHRINK = 10  # so many prompts of average hardness are added to each subject
EXPECTED = 0.8  # how much of the exam weights is what one expects; the rest is learned
EXAM_RIDGE, EVERYDAY_RIDGE = 100.0, 30.0
ROUNDS = 100
# More of these never makes a task easier (harder): a few hundred prompts alone would sometimes say otherwise.
NEVER_EASIER = {
    "length",
    "question length",
    "length beside quotations",
    "length before a colon",
    "numbers",
    "digits",
    "clauses",
    "sentences",
    "operators",
    "symbols",
    "parentheses",
    "lines",
    "list items",
    "code",
    "conditions words",
    "quantities words",
    "people words",
    "negations words",
    "theory words",
    "demand words",
    "proof words",
    "design words",
    "build words",
    "analysis words",
}
NEVER_HARDER = {"greeting words", "edit words", "brief words", "distinct words"}


def ridge(rows: Array, target: Array, penalty: float) -> Array:
    """Weights of a linear model without intercept; rows and target are centred already."""
    penalties = penalty * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(rows.T @ rows + penalties, rows.T @ target), dtype=np.float64)


def bounded_ridge(rows: Array, target: Array, penalty: float, low: Array, high: Array) -> Array:
    """Ridge with a range for each weight: coordinate descent in a fixed order, a fixed number of rounds."""
    moments = rows.T @ rows + penalty * np.eye(rows.shape[1])
    wanted = rows.T @ target
    weights = np.zeros(len(wanted))
    for _ in range(ROUNDS):
        for index, row in enumerate(moments):
            step = (wanted[index] - row @ weights) / row[index]
            weights[index] = min(max(weights[index] + step, low[index]), high[index])
    return weights


def everyday_weights(rows: Array, tiers: Array, start: Array) -> Array:
    """Weights that tell the tiers apart, one unit from lowest to highest, as near `start` as can be."""
    rows = rows - rows.mean(0)
    missed = (tiers - tiers.mean()) / 2 - rows @ start
    low = np.array([0.0 if name in NEVER_EASIER else -np.inf for name in names()])
    high = np.array([0.0 if name in NEVER_HARDER else np.inf for name in names()])
    low, high = low - np.maximum(start, 0), high - np.minimum(start, 0)
    return start + bounded_ridge(rows, missed, EVERYDAY_RIDGE, low, high)


def hardness(exams: Exams, known: Mask) -> Array:
    """What is to be learned. One answer of one pair of models is noise: there it is the subject's average."""
    single = np.isnan(exams.failing)
    of_pair = GAP_SHARE * exams.gap + (1 - GAP_SHARE) * exams.failed
    hard = np.where(single, 0.0, exams.failing)
    known_singles = single & known
    if not known_singles.any():
        return hard
    average = of_pair[known_singles].mean()
    for subject in np.unique(exams.subjects[known_singles]):
        of_subject = known_singles & (exams.subjects == subject)
        hard[of_subject] = (of_pair[of_subject] - average).sum() / (of_subject.sum() + SHRINK)
    return hard


def exam_weights(rows: Array, exams: Exams, known: Mask, prior: Array, importance: dict[str, float]) -> Array:
    """Weights that order prompts within each set, learned and as expected, with one unit of spread."""
    hard = hardness(exams, known)
    centred, target, spread = [], [], []
    for name, weight in importance.items():
        of_set = known & (exams.sets == name)
        if of_set.any():
            inside = rows[of_set] - rows[of_set].mean(0)
            centred.append(inside * np.sqrt(weight))
            target.append((hard[of_set] - hard[of_set].mean()) * np.sqrt(weight))
            spread.append(inside)
    learned = ridge(np.concatenate(centred), np.concatenate(target), EXAM_RIDGE)
    both = np.concatenate(spread)
    weights = (1 - EXPECTED) * learned / np.std(both @ learned) + EXPECTED * prior / np.std(both @ prior)
    return np.asarray(weights / np.std(both @ weights), dtype=np.float64)
