"""Plain tables for people: columns aligned, nothing in a cell can drive the terminal."""

import shutil
import sys
from collections.abc import Collection, Sequence

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
) -> str:
    """`head` and `rows` as lines with aligned columns.

    Within a `width`, columns named in `spare` are left out in that order until the rest fits; then the
    widest columns are shortened, in the middle of a path and at the end of other texts."""
    cells = [tuple(head), *(tuple(map(neutral_line, row)) for row in rows)]
    if width is not None:
        cells = _fitting(cells, width, spare)
    widths = _widths(cells)
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells)
    return "\n".join(GAP.join(row).rstrip() for row in padded)


def terminal_width() -> int | None:
    """Columns of the terminal on stdout; None for a pipe or a file, which takes everything."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fitting(cells: list[tuple[str, ...]], width: int, spare: Collection[str]) -> list[tuple[str, ...]]:
    for name in spare:
        if _total(cells) <= width:
            break
        if name in cells[0]:
            at = cells[0].index(name)
            cells = [(*row[:at], *row[at + 1 :]) for row in cells]
    widths = _widths(cells)
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > SHORTEST:
        widths[widths.index(max(widths))] -= 1
    return [tuple(_cut(cell, most) for cell, most in zip(row, widths, strict=True)) for row in cells]


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    if "/" not in text:
        return text[: most - 1] + "…"
    begin = (most - 1) // 3
    return f"{text[:begin]}…{text[begin + 1 - most :]}"


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _total(cells: Sequence[Sequence[str]]) -> int:
    widths = _widths(cells)
    return sum(widths) + len(GAP) * (len(widths) - 1)
