"""Rows as plain text in columns, for a terminal."""

from collections.abc import Sequence

from scripts.benchmarks.figures import Row, figure

HEAD = ("what", "median", "middle half", "target", "aim", "", "n", "")


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(one: Row) -> tuple[str, ...]:
    return (
        f"{one.subject}: {one.name}" if one.subject else one.name,
        one.measured,
        f"{figure(one.low)} .. {figure(one.high)}" if one.samples > 1 else "",
        one.target,
        "" if one.aim is None else figure(one.aim),
        {True: "ok", False: "MISSED", None: ""}[one.reached],
        str(one.samples or ""),
        one.note,
    )
