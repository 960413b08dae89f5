"""The score of one text: a weighted sum of its features, as a probability."""

from functools import cache
from math import exp

from ai_pal.server.router.complexity.features import features, names
from ai_pal.server.router.complexity.material import read_prompt
from ai_pal.server.router.complexity.problem import is_problem
from ai_pal.server.router.complexity.reading import Reading
from ai_pal.server.router.complexity.scored import Feature, Scored
from ai_pal.server.router.complexity.table import UNIT, load

CLIP = 3.0  # how many scales from the centre a feature can count
SHOWN = 8
_ROUND = 6


@cache
def _weights() -> list[tuple[float, ...]]:
    table = load()
    return [tuple(number / UNIT for number in table.features[name]) for name in names()]


def form_of(reading: Reading) -> int:
    """Whose weights hold: 0 those of an open question, 1 of one with options, 2 of a problem to work out."""
    return 1 if reading.options else 2 * is_problem(reading)


def judge(text: str) -> Scored:
    """The score of this text by itself, with what moved it most."""
    if not text or text.isspace():
        return Scored(score=0.0, features=[])
    reading = read_prompt(text)
    form = form_of(reading)
    parts = [
        row[2 + form] * max(-CLIP, min(CLIP, (value - row[0]) / row[1]))
        for value, row in zip(features(reading), _weights(), strict=True)
    ]
    logit = load().bias[form] / UNIT + sum(parts)
    named = sorted(zip(names(), parts, strict=True), key=lambda part: (-abs(part[1]), part[0]))
    shown = [Feature(name, round(part, 3)) for name, part in named[:SHOWN] if round(part, 3)]
    return Scored(score=round(1 / (1 + exp(-logit)), _ROUND), features=shown)
