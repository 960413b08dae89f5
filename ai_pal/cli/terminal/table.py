"""Plain tables for people: columns aligned, nothing in a cell can drive the terminal."""

import shutil
import sys
from collections.abc import Collection, Sequence

from ai_pal.cli.terminal.cells import columns_of, cut, filled
from ai_pal.cli.terminal.neutral import neutral_line

GAP = "  "
SHORTEST = 8
"""Characters of a cell that are left in any case: more than a sign that something was there."""


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int | None = None,
    spare: Collection[str] = (),
    last: Collection[str] = (),
    whole: Collection[str] = (),
) -> str:
    """`head` and `rows` as lines with aligned columns.

    Within a `width`, columns named in `spare` are left out in that order until the rest fits; then the
    widest columns are shortened, in the middle of a path and at the end of other texts. Columns in `whole`
    are not shortened, and heads neither: those in `last` are left out in that order until that can be."""
    cells = [tuple(head), *(tuple(map(neutral_line, row)) for row in rows)]
    if width is not None:
        cells = _fitting(cells, width, spare, last, whole)
    widths = _widths(cells)
    padded = ([filled(cell, columns) for cell, columns in zip(row, widths, strict=True)] for row in cells)
    return "\n".join(GAP.join(row).rstrip() for row in padded)


def terminal_width() -> int | None:
    """Columns of the terminal on stdout; None for a pipe or a file, which takes everything."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fitting(
    cells: list[tuple[str, ...]],
    width: int,
    spare: Collection[str],
    last: Collection[str],
    whole: Collection[str],
) -> list[tuple[str, ...]]:
    for name in spare:
        if _total(_widths(cells)) <= width:
            break
        cells = _without(name, cells)
    for name in last:
        if _total(_least(cells, whole)) <= width:
            break
        cells = _without(name, cells)
    widths, least = _widths(cells), _least(cells, whole)
    while _total(widths) > width and widths != least:
        at = max(range(len(widths)), key=lambda n: (widths[n] > least[n], widths[n]))
        widths[at] -= 1
    return [tuple(_cut(cell, most) for cell, most in zip(row, widths, strict=True)) for row in cells]


def _cut(text: str, most: int) -> str:
    if columns_of(text) <= most:
        return text
    if "/" not in text:
        return f"{cut(text, most - 1).rstrip()}…"
    begin = (most - 1) // 3
    return f"{cut(text, begin)}…{cut(text[::-1], most - 1 - begin)[::-1]}"


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(columns_of, column)) for column in zip(*cells, strict=True)]


def _least(cells: Sequence[Sequence[str]], whole: Collection[str]) -> list[int]:
    """How far each column can be shortened."""
    return [
        most if head in whole else max(len(head), min(most, SHORTEST))
        for head, most in zip(cells[0], _widths(cells), strict=True)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _without(name: str, cells: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if name not in cells[0]:
        return cells
    at = cells[0].index(name)
    return [(*row[:at], *row[at + 1 :]) for row in cells]
