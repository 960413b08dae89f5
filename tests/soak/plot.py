"""A few series over time as one SVG picture, by hand: no library draws it. Pure."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, MARGIN = 900, 160, 60


def svg(seconds: Sequence[float], series: dict[str, Sequence[float]]) -> str:
    """One panel below the other, each with its least and largest value."""
    total = HEIGHT * len(series) + 40
    panels = [_panel(seconds, name, values, HEIGHT * n) for n, (name, values) in enumerate(series.items())]
    minutes = (
        f'<text x="{WIDTH - MARGIN}" y="{total - 10}" text-anchor="end">{seconds[-1] / 60:.1f} min</text>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total}" font-family="sans-serif"'
    )
    return f'{head} font-size="12">{"".join(panels)}{minutes}</svg>\n'


def _panel(seconds: Sequence[float], name: str, values: Sequence[float], top: float) -> str:
    low, high = min(values), max(values)
    room, wide = HEIGHT - 50, WIDTH - 2 * MARGIN
    span, length = (high - low) or 1.0, (seconds[-1] - seconds[0]) or 1.0

    def point(t: float, value: float) -> str:
        x = MARGIN + wide * (t - seconds[0]) / length
        return f"{x:.1f},{top + 35 + room * (1 - (value - low) / span):.1f}"

    line = " ".join(point(t, value) for t, value in zip(seconds, values, strict=True))
    return (
        f'<text x="{MARGIN}" y="{top + 20}">{escape(name)}: {low:.6g} to {high:.6g}</text>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="1.2"/>'
    )
