"""Plain tables for people: columns aligned, nothing in a cell can drive the terminal."""

from collections.abc import Sequence

from ai_pal.cli.neutral import neutral_line


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """`head` and `rows` as lines with aligned columns."""
    cells = [tuple(head), *(tuple(map(neutral_line, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells)
    return "\n".join("  ".join(row).rstrip() for row in padded)
