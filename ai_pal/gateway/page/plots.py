"""Bars as an SVG, coloured by the page's own style. Pure."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT, FOOT = 640, 150, 18


class Bar(NamedTuple):
    """One day: how much of each series, which stand on each other; `told` is said of it."""

    label: str
    parts: Sequence[float]
    told: str


def bars(days: Sequence[Bar], title: str, classes: Sequence[str]) -> str:
    """A plot of all days, side by side; the largest is as high as there is room. `classes` are of series."""
    most = max((sum(day.parts) for day in days), default=0.0) or 1.0
    step = WIDTH / max(len(days), 7)
    room = HEIGHT - FOOT
    drawn = [f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(title)}</title>']
    for at, day in enumerate(days):
        left, wide, top = at * step + step * 0.15, step * 0.7, float(room)
        drawn.append(f"<g><title>{escape(day.told)}</title>")
        for kind, part in zip(classes, day.parts, strict=True):
            top -= room * part / most
            drawn.append(_rect(kind, left, top, wide, room * part / most))
        drawn.append(f'<rect class="hit" x="{at * step:.1f}" y="0" width="{step:.1f}" height="{room}"/></g>')
        if at % max(1, len(days) // 8) == 0:
            middle = left + wide / 2
            drawn.append(f'<text x="{middle:.1f}" y="{HEIGHT - 4}">{escape(day.label)}</text>')
    return "".join([*drawn, "</svg>"])


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    if height <= 0:
        return ""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>'
