"""Two linear models over the same features, added: how hard an exam question is, and what tier an everyday
prompt deserves. Everything is in double precision and rounded to integers at the end."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ai_pal.complexity.linear import CLIP
from ai_pal.complexity.table import UNIT
from scripts.complexity.exams import Array

EXAM_SHARE = 0.15  # how much one standard deviation of exam hardness counts against one step of two tiers
EXAM_RIDGE, EVERYDAY_RIDGE = 100.0, 10.0
LOW, HIGH = 0.3, 0.7


class Model(NamedTuple):
    """log-odds = bias + clip((features - centre) / scale) @ weights, all in 1/UNIT."""

    centre: Array
    scale: Array
    weights: Array
    bias: float

    def logits(self, values: Array) -> Array:
        """The log-odds of these rows of features."""
        return self.bias + standard(values, self.centre, self.scale) @ self.weights


def standard(values: Array, centre: Array, scale: Array) -> Array:
    """Features as the scorer sees them."""
    return np.asarray(np.clip((values - centre) / scale, -CLIP, CLIP))


def rounded(values: Array) -> Array:
    """The nearest multiples of 1/UNIT."""
    return np.asarray(np.round(values * UNIT) / UNIT)


def ridge(rows: Array, target: Array, penalty: float) -> Array:
    """Weights of a linear model without intercept; rows and target are centred already."""
    penalties = penalty * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(rows.T @ rows + penalties, rows.T @ target), dtype=np.float64)


def scaling(exam: Array, everyday: Array) -> tuple[Array, Array]:
    """Centre and scale with both kinds of prompts counted alike."""
    centre = (exam.mean(0) + everyday.mean(0)) / 2
    spread = ((exam - centre) ** 2).mean(0) + ((everyday - centre) ** 2).mean(0)
    return rounded(centre), rounded(np.sqrt(spread / 2) + 0.02)


def exam_weights(rows: Array, hard: Array, names: NDArray[np.str_]) -> Array:
    """Weights that order prompts within each set: what sets have in common, not what sets them apart."""
    rows, hard = rows.copy(), hard.copy()
    for name in np.unique(names):
        of_set = names == name
        rows[of_set] -= rows[of_set].mean(0)
        hard[of_set] -= hard[of_set].mean()
    weights = ridge(rows, hard, EXAM_RIDGE)
    return weights / np.std(rows @ weights)


def everyday_weights(rows: Array, tiers: Array) -> Array:
    """Weights that tell the tiers apart, with 0 and 1 for the lowest and the highest."""
    return ridge(rows - rows.mean(0), tiers / 2 - tiers.mean() / 2, EVERYDAY_RIDGE)


def thresholds(raw: Array, tiers: Array) -> tuple[float, float]:
    """The pair of cuts that puts most prompts into their tier; of equally good ones the middle."""
    cuts = np.unique(np.quantile(raw, np.linspace(0.02, 0.98, 193)))
    right_low = np.array([(raw[tiers == 0] < cut).sum() - (raw[tiers == 1] < cut).sum() for cut in cuts])
    right_high = np.array([(raw[tiers == 2] > cut).sum() - (raw[tiers == 1] > cut).sum() for cut in cuts])
    return float(cuts[right_low == right_low.max()].mean()), float(
        cuts[right_high == right_high.max()].mean()
    )


def fit(exam: Array, hard: Array, names: NDArray[np.str_], everyday: Array, tiers: Array) -> Model:
    """The shipped model: ranking from both kinds of prompts, thresholds from the everyday ones."""
    centre, scale = scaling(exam, everyday)
    rows = standard(everyday, centre, scale)
    weights = everyday_weights(rows, tiers)
    weights = weights + EXAM_SHARE * exam_weights(standard(exam, centre, scale), hard, names)
    low, high = thresholds(rows @ weights, tiers)
    steep = (np.log(HIGH / (1 - HIGH)) - np.log(LOW / (1 - LOW))) / (high - low)
    bias = np.log(LOW / (1 - LOW)) - low * steep
    return Model(centre, scale, rounded(weights * steep), float(rounded(np.array(bias))))
