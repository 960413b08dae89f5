"""A measured figure with its spread and its target."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

A = TypeVar("A")
B = TypeVar("B")


class Row(msgspec.Struct, omit_defaults=True):
    """`low` and `high` are the quartiles. A target is reached from its good side; None: no target.
    Rows with a `subject` form a table: a line for each subject, a column for each name. Without samples
    it could not be measured here, and `note` says why."""

    name: str
    value: float
    low: float
    high: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None
    samples: int = 1
    note: str = ""
    subject: str = ""

    @property
    def reached(self) -> bool | None:
        """None: there is no target, or nothing was measured."""
        if not self.samples or (self.at_least is None and self.at_most is None):
            return None
        too_little = self.at_least is not None and self.value < self.at_least
        too_much = self.at_most is not None and self.value > self.at_most
        return not (too_little or too_much)

    @property
    def target(self) -> str:
        """As people read it; empty without one."""
        if self.at_least is not None and self.at_most is not None:
            return f"{figure(self.at_least)} .. {figure(self.at_most)}"
        if self.at_least is not None:
            return f">= {figure(self.at_least)}"
        return "" if self.at_most is None else f"<= {figure(self.at_most)}"

    @property
    def measured(self) -> str:
        """The median with its unit, or that there is none."""
        return f"{figure(self.value)} {self.unit}".rstrip() if self.samples else "skipped"


def row(
    name: str,
    samples: Sequence[float],
    unit: str = "",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    aim: float | None = None,
    note: str = "",
    subject: str = "",
) -> Row:
    """The median and the middle half of the samples."""
    low, middle, high = statistics.quantiles(samples, n=4) if len(samples) > 1 else [samples[0]] * 3
    return Row(name, middle, low, high, unit, at_least, at_most, aim, len(samples), note, subject)


def skipped(name: str, why: str, subject: str = "") -> Row:
    """What could not be measured here."""
    return Row(name, 0.0, 0.0, 0.0, samples=0, note=why, subject=subject)


def ratio(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    aim: float | None = None,
) -> Row:
    """Pair by pair: what ours is of theirs."""
    note = f"{figure(statistics.median(ours))} against {figure(statistics.median(theirs))}"
    shares = [a / b for a, b in zip(ours, theirs, strict=True)]
    return row(name, shares, "x", at_least=at_least, at_most=at_most, aim=aim, note=note)


def of_medians(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """The ratio of the medians, for series whose single samples differ by more than what is looked for."""
    found = ratio(name, ours, theirs, at_least=at_least, at_most=at_most)
    found.value = statistics.median(ours) / statistics.median(theirs)
    return found


def sure_of_median(samples: Sequence[float], certainty: float = 0.95) -> tuple[float, float]:
    """Two samples between which the true median lies, however they are spread. Fewer than six cannot be so
    sure: then it is all of them."""
    ordered, doubt, outside, beyond = sorted(samples), (1 - certainty) / 2, 0, 0.0
    for below in range(len(ordered) // 2):
        beyond += math.comb(len(ordered), below) / 2 ** len(ordered)
        if beyond > doubt:
            break
        outside = below
    return ordered[outside], ordered[-1 - outside]


def alternate(pairs: int, one: Callable[[int], A], other: Callable[[int], B]) -> tuple[list[A], list[B]]:
    """Measure both in turn, the first of a pair being one or the other; returns both series."""
    first: list[A] = []
    second: list[B] = []
    for pair in range(pairs):
        if pair % 2:
            second.append(other(pair))
            first.append(one(pair))
        else:
            first.append(one(pair))
            second.append(other(pair))
    return first, second


def figure(value: float) -> str:
    """Three significant digits, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if value and abs(value) < 0.01:
        return f"{value:.1g}" if abs(value) >= 0.0001 else "0"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"
