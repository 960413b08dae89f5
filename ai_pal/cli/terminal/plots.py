"""Bar charts as SVG: no script, nothing of elsewhere, light and dark as the reader has it. Pure."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ai_pal.cli.terminal.neutral import neutral_line

WIDTH, LEFT, RIGHT = 760, 64, 16
CHART, HEAD, BELOW, LEGEND = 150, 34, 24, 20
"""Heights in pixels: of the bars, of what stands above them, of the names below, of a line of the legend."""

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
"""Told apart by people who see fewer colours, too (Okabe and Ito)."""

OTHERS = "others"
WIDEST = 56
"""Pixels of a bar."""

NAMES, LONGEST, LETTER = 8, 22, 7
"""Names below a chart, characters of a name that are shown, and pixels of one; all of it stands in the bar's
title."""

Colours = Mapping[str, str]
"""Of a series by its name: the same in each chart."""

_STYLE = """\
svg { background: #fff; color: #222; font: 12px system-ui, sans-serif }
text { fill: currentColor } .title { font-size: 14px; font-weight: 600 }
line { stroke: currentColor; opacity: .2 }
@media (prefers-color-scheme: dark) { svg { background: #161616; color: #ddd } }"""


class Chart(msgspec.Struct, frozen=True):
    """One value for each of the `places` and each series; None is not known. `stacked` series stand on each
    other, others side by side. `most` is where the axis ends at least."""

    title: str
    places: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    stacked: bool = False
    most: float = 0.0


def svg(title: str, charts: Sequence[Chart]) -> str:
    """The charts below each other, as one document."""
    parts: list[str] = []
    top = 0.0
    charts = [_few(chart) for chart in charts]
    names = dict.fromkeys(name for chart in charts for name in chart.series)
    colours = {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(names)}
    for chart in charts:
        parts += _chart(chart, top, colours)
        top += _height(chart)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{top:g}"'
    head += f' viewBox="0 0 {WIDTH} {top:g}">'
    return "\n".join([head, f"<title>{_safe(title)}</title>", f"<style>{_STYLE}</style>", *parts, "</svg>\n"])


def short(value: float) -> str:
    """A number for an axis: 1,200 is 1.2k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def round_top(value: float) -> float:
    """Where an axis ends that has to hold this value: four steps of a round number."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 4, 8, 10) if step * size >= value)


def _few(chart: Chart) -> Chart:
    """The same with as many series as there are colours: the smallest of stacked ones are one."""
    if len(chart.series) <= len(COLOURS) or not chart.stacked:
        return chart
    by_size = sorted(chart.series, key=lambda name: sum(value or 0.0 for value in chart.series[name]))
    folded = by_size[: len(chart.series) - len(COLOURS) + 1]
    rest = [sum(chart.series[name][at] or 0.0 for name in folded) for at in range(len(chart.places))]
    kept = {name: values for name, values in chart.series.items() if name not in folded}
    return msgspec.structs.replace(chart, series=kept | {OTHERS: rest})


def _height(chart: Chart) -> float:
    return HEAD + CHART + BELOW + LEGEND * _legend_lines(chart)


def _legend_lines(chart: Chart) -> int:
    return math.ceil(len(chart.series) / 4) if len(chart.series) > 1 else 0


def _chart(chart: Chart, top: float, colours: Colours) -> Iterator[str]:
    values = list(chart.series.values())
    sums = [sum(one[at] or 0.0 for one in values) for at in range(len(chart.places))]
    highest = max(sums if chart.stacked else [value or 0.0 for one in values for value in one], default=0.0)
    axis = round_top(max(highest, chart.most))
    yield f'<text class="title" x="8" y="{top + 20:g}">{_safe(chart.title)}</text>'
    base = top + HEAD + CHART
    for step in range(5):
        y = base - CHART * step / 4
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:g}" y2="{y:g}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{short(axis * step / 4)}</text>'
    slot = (WIDTH - LEFT - RIGHT) / max(len(chart.places), 1)
    each = math.ceil(len(chart.places) / NAMES)
    for at, place in enumerate(chart.places):
        x = LEFT + slot * at
        longest = min(LONGEST, int(slot * each / LETTER))
        name = place if len(place) <= longest else place[: max(longest - 1, 1)] + "…"
        centre = x + slot / 2
        if at % each == 0 and centre + len(name) * LETTER / 2 <= WIDTH:
            yield f'<text x="{centre:.1f}" y="{base + 16:g}" text-anchor="middle">{_safe(name)}</text>'
        yield from _bars(chart, at, x, slot, base, CHART / axis, colours)
    yield from _legend(chart, base + BELOW, colours)


def _bars(
    chart: Chart, at: int, x: float, slot: float, base: float, scale: float, colours: Colours
) -> Iterator[str]:
    beside = 1 if chart.stacked else max(len(chart.series), 1)
    width = min((slot - min(slot * 0.2, 12)) / beside, WIDEST)
    first = x + (slot - width * beside) / 2
    below = 0.0
    for n, (name, values) in enumerate(chart.series.items()):
        value = values[at]
        if not value:
            continue
        height = value * scale
        left = first + (0 if chart.stacked else width * n)
        y = base - height - (below if chart.stacked else 0)
        below += height
        told = (
            f"{chart.places[at]}, {name}: {short(value)}" if name else f"{chart.places[at]}: {short(value)}"
        )
        yield (
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{max(width - 1, 1):.1f}" height="{height:.1f}"'
            f' fill="{colours[name]}"><title>{_safe(told)}</title></rect>'
        )


def _legend(chart: Chart, top: float, colours: Colours) -> Iterator[str]:
    if not _legend_lines(chart):
        return
    column = (WIDTH - LEFT - RIGHT) / 4
    for n, name in enumerate(chart.series):
        x, y = LEFT + column * (n % 4), top + LEGEND * (n // 4)
        cut = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        yield f'<rect x="{x:.1f}" y="{y + 3:g}" width="10" height="10" fill="{colours[name]}"/>'
        yield f'<text x="{x + 15:.1f}" y="{y + 12:g}">{_safe(cut)}</text>'


def _safe(text: str) -> str:
    """What no reader of XML takes for more than text."""
    return html.escape(neutral_line(text)).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
