"""A measured figure with its spread and its target, and a table of them."""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

A = TypeVar("A")
B = TypeVar("B")


class Row(msgspec.Struct):
    """`low` and `high` are the quartiles. A target is reached from its good side; None: no target."""

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

    @property
    def reached(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def row(
    name: str,
    samples: Sequence[float],
    unit: str = "",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    aim: float | None = None,
    note: str = "",
) -> Row:
    """The median and the middle half of the samples."""
    low, middle, high = statistics.quantiles(samples, n=4) if len(samples) > 1 else [samples[0]] * 3
    return Row(name, middle, low, high, unit, at_least, at_most, aim, len(samples), note)


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], **targets: float | None) -> Row:
    """Pair by pair: what ours is of theirs."""
    note = f"{figure(statistics.median(ours))} against {figure(statistics.median(theirs))}"
    return row(name, [a / b for a, b in zip(ours, theirs, strict=True)], "x", note=note, **targets)


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
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """Plain text in columns."""
    head = ("what", "median", "middle half", "target", "aim", "", "n", "")
    lines = [head, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(one: Row) -> tuple[str, ...]:
    target = ""
    if one.at_least is not None:
        target = f">= {figure(one.at_least)}"
    elif one.at_most is not None:
        target = f"<= {figure(one.at_most)}"
    verdict = {True: "ok", False: "MISSED", None: ""}[one.reached]
    aim = "" if one.aim is None else figure(one.aim)
    value = f"{figure(one.value)} {one.unit}".rstrip()
    return (
        one.name,
        value,
        f"{figure(one.low)} .. {figure(one.high)}",
        target,
        aim,
        verdict,
        str(one.samples),
        one.note,
    )
