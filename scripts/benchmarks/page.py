"""The tables of docs/benchmarks.md, written between their markers from figures that were kept.

`<!-- bench: spine transformers.serve -->` begins the rows of a part and of one measurement, and
`<!-- end of bench -->` ends them. What was not measured yet is left as it is.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.figures import Row
from scripts.benchmarks.saved import Run, Runs

PAGE = Path("docs/benchmarks.md")
BLOCK = re.compile(r"(?<=<!-- bench: )([\w. ]+)( -->\n).*?(?=<!-- end of bench -->)", re.DOTALL)


def update(runs: Runs, *, check: bool) -> int:
    """Write the tables; with `check` only look. Returns the exit code."""
    before = PAGE.read_text(encoding="utf-8")
    after = rendered(before, runs)
    if after == before:
        return 0
    if check:
        print(f"{PAGE} has other figures than were kept: run scripts/bench --page", file=sys.stderr)
        return 1
    PAGE.write_text(after, encoding="utf-8")
    return 0


def rendered(text: str, runs: Runs) -> str:
    """The text with its blocks filled in."""

    def block(found: re.Match[str]) -> str:
        chosen = [run for name in found[1].split() for run in _runs_of(name, runs)]
        return f"{found[1]}{found[2]}{tables(chosen)}" if chosen else found[0]

    return BLOCK.sub(block, text)


def tables(runs: list[Run]) -> str:
    """Rows without a subject in one table, those with one in another, and where they come from."""
    rows = [row for run in runs for row in run.rows]
    lists = _targets([row for row in rows if not row.subject])
    matrix = _matrix([row for row in rows if row.subject])
    return "\n\n".join(part for part in (lists, matrix, _origin(runs)) if part) + "\n\n"


def _runs_of(name: str, runs: Runs) -> Iterator[Run]:
    yield from (run for key, run in runs.items() if key == name or key.startswith(f"{name}."))


def _targets(rows: list[Row]) -> str:
    if not rows:
        return ""
    lines = ["| What | Measured | Target |", "|---|---|---|"]
    for row in rows:
        measured = f"{row.measured}; {row.note}" if row.note else row.measured
        verdict = ": **missed**" if row.reached is False else ""
        name = f"... {row.name.strip()}" if row.name.startswith(" ") else row.name
        lines.append(f"| {name} | {measured} | {row.target}{verdict} |")
    return "\n".join(lines)


def _matrix(rows: list[Row]) -> str:
    if not rows:
        return ""
    measured = [row for row in rows if row.samples]
    columns = list(dict.fromkeys(row.name for row in measured))
    cells = {(row.subject, row.name): _cell(row) for row in measured}
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {subject} | {' | '.join(cells.get((subject, column), '') for column in columns)} |"
        for subject in dict.fromkeys(row.subject for row in measured)
    ]
    absent = dict.fromkeys(f"{row.subject} ({row.note})" for row in rows if not row.samples)
    return "\n".join(lines) + (f"\n\nNot measured: {'; '.join(absent)}." if absent else "")


def _cell(row: Row) -> str:
    missed = f" (**missed**: {row.target})" if row.reached is False else ""
    return f"{row.measured}{missed}"


def _origin(runs: list[Run]) -> str:
    when = sorted(run.when.partition("T")[0] for run in runs)
    days = when[0] if when[0] == when[-1] else f"{when[0]} to {when[-1]}"
    machines = ", ".join(dict.fromkeys(run.machine for run in runs))
    pairs = "/".join(dict.fromkeys(str(run.pairs) for run in runs))
    return f"Medians of up to {pairs} pairs, {days}, version {runs[-1].version}, on {machines}."
