"""The shipped model: what tells everyday tiers apart, plus what orders exam questions, for open ones and for
those with options; then the thresholds. Rounded to integers at the end."""

from typing import NamedTuple

import numpy as np

from ai_pal.server.router.complexity.features import names
from ai_pal.server.router.complexity.linear import CLIP
from ai_pal.server.router.complexity.table import UNIT
from scripts.complexity.exams import Array, Exams, Mask
from scripts.complexity.linear_fit import everyday_weights, exam_weights

# One spread of exam hardness, against the step from the lowest tier to the highest.
OPEN_SHARE = 0.3
CHOICE_SHARE = 1.0
OPEN_SETS = {"mmlu": 1.0, "mmlupro": 1.0, "math_l5": 1.0}
CHOICE_SETS = {"mmlu": 1.0, "mmlupro": 0.02}  # one pair of models is what a router sees; ten models are not
# What makes questions harder wherever one looks: too few prompts here to learn it from them alone.
OPEN_PRIOR = {
    "question length": 2.0,
    "numbers": 1.0,
    "clauses": 1.0,
    "operators": 0.5,
    "conditions words": 0.5,
    "quantities words": 0.5,
    "code": 0.5,
    "theory words": 0.5,
}
CHOICE_PRIOR = {
    "length": 3.5,
    "question length": 1.0,
    "alike options": 1.0,
    "options in question": 0.5,
    "numbers": 1.0,
    "clauses": 0.5,
    "conditions words": 0.5,
    "parentheses": 0.5,
}
# A story's words are no task, and what was learned from one set of problems ranked others inverted.
PROBLEM_PRIOR = {"question length": 3.0, "clauses": 0.5}
# A question about several named things is one that few know by heart; all lookups of every day are local.
GIVEN = {"names in a lookup": 0.35}  # log-odds for each
HARD_PROBLEM = 0.95  # this share of an exam's problems is no work for the strongest models alone
LOW, HIGH = 0.3, 0.7


class Prompts(NamedTuple):
    """The features of all exam prompts, with and without their options, and of everyday prompts."""

    choice: Array
    open: Array
    everyday: Array
    tiers: Array
    problem: Mask
    """Which exam prompts are problems to work out."""
    everyday_problem: Mask


class Model(NamedTuple):
    """log-odds = bias + clip((features - centre) / scale) @ weights, for open questions, for those with
    options to choose from and for problems to work out; all in 1/UNIT."""

    centre: Array
    scale: Array
    open: Array
    choice: Array
    problem: Array
    bias: Array
    """Of all three: open, choice, problem."""

    def logits(self, values: Array, form: int) -> Array:
        """The log-odds of these rows of features, with the weights of this form (`linear.form_of`)."""
        weights = (self.open, self.choice, self.problem)[form]
        return np.asarray(self.bias[form] + standard(values, self.centre, self.scale) @ weights)


def standard(values: Array, centre: Array, scale: Array) -> Array:
    """Features as the scorer sees them."""
    return np.asarray(np.clip((values - centre) / scale, -CLIP, CLIP))


def rounded(values: Array | float) -> Array:
    """The nearest multiples of 1/UNIT."""
    return np.asarray(np.round(np.asarray(values) * UNIT) / UNIT)


def scaling(exam: Array, everyday: Array) -> tuple[Array, Array]:
    """Centre and scale with both kinds of prompts counted alike."""
    centre = (exam.mean(0) + everyday.mean(0)) / 2
    spread = ((exam - centre) ** 2).mean(0) + ((everyday - centre) ** 2).mean(0)
    return rounded(centre), rounded(np.sqrt(spread / 2) + 0.02)


def thresholds(raw: Array, tiers: Array) -> tuple[float, float]:
    """The cuts that put most prompts into their tier; of equally good ones the middle."""
    cuts = np.unique(np.quantile(raw, np.linspace(0.02, 0.98, 193)))
    low = np.array([(raw[tiers == 0] < cut).sum() - (raw[tiers == 1] < cut).sum() for cut in cuts])
    high = np.array([(raw[tiers == 2] > cut).sum() - (raw[tiers == 1] > cut).sum() for cut in cuts])
    return float(cuts[low == low.max()].mean()), float(cuts[high == high.max()].mean())


def level_choice(rows: Array, weights: Array, exams: Exams, known: Mask) -> tuple[Array, float]:
    """Weights and bias that put the average question with options in the middle, with one unit of spread."""
    raw = [rows[known & (exams.sets == name)] @ weights for name in CHOICE_SETS]
    raw = [of_set for of_set in raw if len(of_set)]
    spread = float(np.mean([of_set.std() for of_set in raw]))
    return weights / spread, -float(np.mean([of_set.mean() for of_set in raw])) / spread


def level_problem(prompts: Prompts, everyday: Array, exam: Array) -> tuple[Array, float]:
    """Weights and bias of problems: everyday ones are cut at LOW, nearly all of the exams' are below HIGH."""
    weights = _prior(PROBLEM_PRIOR)
    low, _ = thresholds(everyday[prompts.everyday_problem] @ weights, prompts.tiers[prompts.everyday_problem])
    high = float(np.quantile(exam[prompts.problem] @ weights, HARD_PROBLEM))
    steep = (np.log(HIGH / (1 - HIGH)) - np.log(LOW / (1 - LOW))) / (high - low)
    return weights * steep, float(np.log(LOW / (1 - LOW)) - low * steep)


def _prior(expected: dict[str, float]) -> Array:
    return np.array([expected.get(name, 0.0) for name in names()])


def fit(prompts: Prompts, exams: Exams, known: Mask) -> Model:
    """Learn from the exam prompts that are `known` and from all of these everyday prompts."""
    centre, scale = scaling(prompts.choice[known], prompts.everyday)
    learned = np.array([name not in GIVEN for name in names()])
    everyday, open_rows, choice_rows = (
        standard(rows, centre, scale) * learned for rows in (prompts.everyday, prompts.open, prompts.choice)
    )
    in_open = exam_weights(open_rows, exams, known, _prior(OPEN_PRIOR), OPEN_SETS)
    in_choice = exam_weights(choice_rows, exams, known, _prior(CHOICE_PRIOR), CHOICE_SETS)
    weights = everyday_weights(everyday, prompts.tiers, OPEN_SHARE * in_open)
    low, high = thresholds(everyday @ weights, prompts.tiers)
    steep = (np.log(HIGH / (1 - HIGH)) - np.log(LOW / (1 - LOW))) / (high - low)
    bias = np.log(LOW / (1 - LOW)) - low * steep
    choice, level = level_choice(choice_rows, weights + CHOICE_SHARE * in_choice, exams, known)
    problem, start = level_problem(prompts, everyday, choice_rows)
    given = _prior(GIVEN)
    biases = rounded(np.array([bias + given @ centre, level, start]))
    opened = rounded(weights * steep + given * scale)
    return Model(centre, scale, opened, rounded(choice), rounded(problem), biases)
