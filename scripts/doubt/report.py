"""The figures of an evaluation as Markdown, and as a plot."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ai_pal.providers.prices import price_table
from ai_pal.server.router.cascade.kinds import prompted
from ai_pal.server.router.cascade.watch import EXPLAINED
from ai_pal.server.router.complexity import score
from scripts.complexity.exams import Array, Mask
from scripts.doubt.asking import Told
from scripts.doubt.figures import SHARES, Places, accuracy, area, cost, gain, interval, ranks, wrong_among
from scripts.doubt.sets import Item

FEWEST = 10
"""Answers of a set, below which nothing is said of it."""
ESCALATED = 0.3
STRONG = "openai:gpt-6.1-sol"
"""Whose prices count as those of the strong model, for as many tokens as the local one had."""
COMPARED = ("doubt", "blend", "prompt score")
COLOURS = {"doubt": "#0b6e4f", "blend": "#b5651d", "prompt score": "#7a7a7a", "chance": "#c8c8c8"}
WIDTH, HEIGHT, EDGE = 480, 320, 48


class Evaluation:
    """Answers with what doubts them. `doubt` is what the router looks at: the whole answer, and with it the
    probe where there was one, explained answers among each other; `blend` adds the prompt's score. That
    answers are cut off does not count: they were asked to be short."""

    def __init__(self, items: Sequence[Item], told: Mapping[str, Told]) -> None:
        have = [(item, told[item.asked.id]) for item in items if item.asked.id in told]
        marks = [item.right(one.text, one.usage.completion_tokens >= item.asked.tokens) for item, one in have]
        self.unclear = marks.count(None)
        """Answers that were cut off before they said anything that is right or wrong."""
        have = [one for one, mark in zip(have, marks, strict=True) if mark is not None]
        self.sets = np.array([item.set for item, _ in have])
        self.right: Mask = np.array([mark for mark in marks if mark is not None], bool)
        self.strong: Array = np.array([np.nan if item.strong is None else item.strong for item, _ in have])
        price = price_table().models[STRONG]
        used = [(one.usage.prompt_tokens, one.usage.completion_tokens) for _, one in have]
        self.costs: Array = np.array([price.expected(*tokens) for tokens in used])
        kinds = [f"{prompted(item.asked.prompt).kind} {one.probe is not None}" for item, one in have]
        self.kinds = np.array(kinds)
        nan = float("nan")
        whole = np.array([-one.doubt.logprob if one.doubt.tokens else nan for _, one in have])
        probe = np.array([nan if one.probe is None else one.probe for _, one in have])
        first = [np.mean(one.entropies[:16]) if one.entropies else nan for _, one in have]
        flaws = np.array([float(any(flaw != "cut_off" for flaw in one.doubt.flaws)) for _, one in have])
        long = np.array([one.doubt.tokens > EXPLAINED for _, one in have])
        compared = np.where(np.isnan(probe) | ~long, self.kinds, np.char.add(self.kinds, " explained"))
        both = (ranks(probe, compared) + ranks(whole, compared)) / 2
        doubt = ranks(np.where(np.isnan(probe), whole, both), compared)
        prompt = np.array([score(item.asked.prompt) for item, _ in have])
        self.signals: dict[str, Array] = {
            "prompt score": prompt,
            "probe": probe,
            "first 16 tokens": np.array(first),
            "whole answer": whole,
            "doubt": np.maximum(doubt, flaws),
            "blend": np.maximum(doubt, flaws) + 0.25 * ranks(prompt, np.zeros(len(prompt))),
        }

    def areas(self) -> list[str]:
        """A row per set, and one for all of them together."""
        names = [one for one in dict.fromkeys(self.sets.tolist()) if (self.sets == one).sum() >= FEWEST]
        rows = [
            f"| set | answers | right | {' | '.join(self.signals)} |",
            "|---" * (3 + len(self.signals)) + "|",
        ]
        for name in [*names, "all"]:
            there = np.ones(len(self.sets), bool) if name == "all" else self.sets == name
            cells = [_cell(values[there], self.right[there]) for values in self.signals.values()]
            rows.append(f"| {name} | {there.sum()} | {self.right[there].mean():.2f} | {' | '.join(cells)} |")
        return rows

    def gains(self) -> list[str]:
        """Where it is known whether a strong model is right: APGR, its distance to the prompt score's, and
        how many of the most doubted answers are wrong."""
        known = ~np.isnan(self.strong)
        if known.sum() < FEWEST or not (self.strong[known] - self.right[known]).sum() > 0:
            return []
        right, strong = self.right[known], self.strong[known]
        base = self.signals["prompt score"][known]
        rows = [
            "| signal | APGR | above the prompt score | wrong among the 30% most doubted |",
            "|---|---|---|---|",
        ]
        for name in reversed(COMPARED):
            values = self.signals[name][known]
            gained = _with_interval(partial(_gain, values, right, strong), len(right), ".3f")
            over = _with_interval(partial(_above, values, base, right, strong), len(right), "+.3f")
            wrong = _with_interval(partial(_wrong, values, right), len(right), ".2f")
            rows.append(f"| {name} | {gained} | {over} | {wrong} |")
        return rows

    def shares(self) -> list[str]:
        """Accuracy by the share that the strong model answers, and dollars for a thousand answers."""
        lines, known = self.curves(), ~np.isnan(self.strong)
        if not lines:
            return []
        rows = ["| share | " + " | ".join(COMPARED) + " |", "|---" * (1 + len(COMPARED)) + "|"]
        for at, share in enumerate(map(float, SHARES)):
            paid = [cost(self.signals[name][known], self.costs[known], share) for name in COMPARED]
            cells = [f"{lines[name][at]:.3f} (${one:.2f})" for name, one in zip(COMPARED, paid, strict=True)]
            rows.append(f"| {share:.1f} | " + " | ".join(cells) + " |")
        return rows

    def escalated(self) -> list[str]:
        """Of all answers, how many of the most doubted are wrong."""
        values, right = self.signals["doubt"], self.right
        if len(right) < FEWEST:
            return []
        wrong = _with_interval(partial(_wrong, values, right), len(right), ".2f")
        return [f"of all {len(right)}, {1 - right.mean():.2f} are wrong; of the 30% most doubted {wrong}"]

    def curves(self) -> dict[str, list[float]]:
        """The accuracy at each of `SHARES`; empty where nothing is known of a strong model."""
        known = ~np.isnan(self.strong)
        if known.sum() < FEWEST:
            return {}
        right, strong = self.right[known], self.strong[known]
        found = {
            name: [accuracy(self.signals[name][known], right, strong, float(share)) for share in SHARES]
            for name in COMPARED
        }
        ends = right.mean(), strong.mean()
        return found | {"chance": [float(ends[0] + share * (ends[1] - ends[0])) for share in SHARES]}


def _with_interval(figure: Callable[[Places], float], number: int, form: str) -> str:
    low, high = interval(figure, number)
    return f"{figure(np.arange(number)):{form}} [{low:{form}}, {high:{form}}]"


def _gain(values: Array, right: Mask, strong: Array, at: Places) -> float:
    return gain(values[at], right[at], strong[at])


def _wrong(values: Array, right: Mask, at: Places) -> float:
    return wrong_among(values[at], right[at], ESCALATED)


def _above(values: Array, base: Array, right: Mask, strong: Array, at: Places) -> float:
    """By how much a signal gains more than another, over these questions."""
    return gain(values[at], right[at], strong[at]) - gain(base[at], right[at], strong[at])


def _cell(values: Array, right: Mask) -> str:
    known = ~np.isnan(values)
    values, right = values[known], right[known]
    if len(values) < FEWEST or right.all() or not right.any():
        return "–"  # noqa: RUF001
    low, high = interval(lambda at: area(values[at], right[at]), len(values))
    return f"{area(values, right):.2f} [{low:.2f}, {high:.2f}]"


def plot(curves: Mapping[str, list[float]], file: Path) -> None:
    """Accuracy by share as an SVG."""
    every = [value for line in curves.values() for value in line]
    low, high = min(every), max(every)

    def place(share: float, value: float) -> tuple[float, float]:
        x = EDGE + share * (WIDTH - 2 * EDGE)
        return x, HEIGHT - EDGE - (value - low) / (high - low or 1.0) * (HEIGHT - 2 * EDGE)

    def text(x: float, y: float, said: str, colour: str = "#333") -> str:
        look = f'font-size="12" font-family="sans-serif" fill="{colour}"'
        return f'<text x="{x:.0f}" y="{y:.0f}" {look}>{said}</text>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>')
    for at, (name, line) in enumerate(curves.items()):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, SHARES, line))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts.append(text(WIDTH - 2.6 * EDGE, HEIGHT - 2 * EDGE + 14 * at - 20, name, COLOURS[name]))
    parts.append(text(EDGE, HEIGHT - EDGE / 3, "share answered by the strong model, 0 to 1"))
    parts += [text(4, place(0, value)[1] + 4, f"{value:.2f}") for value in (low, high)]
    file.write_text("\n".join([*parts, "</svg>"]) + "\n")
