"""The table, the object and the charts of `ai-pal bench`. Pure."""

from collections.abc import Sequence
from typing import Any

from ai_pal.cli.loaded.bench.figures import Advice, Row
from ai_pal.cli.loaded.worker_table import megabytes
from ai_pal.cli.terminal.plots import Chart

HEAD = ("MODEL", "THREADS", "READS/S", "WRITES/S", "FIRST", "MEMORY", "SPREAD")
SPARE = ("SPREAD", "MEMORY")
"""What a narrow terminal does without, in this order."""

UNKNOWN = "-"


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table; what is set now has a mark."""
    return (
        row.model,
        f"{row.threads} *" if row.as_set else str(row.threads),
        _speed(row.prefill),
        _speed(row.decode),
        f"{row.first_token:.2f} s",
        megabytes(row.memory),
        f"{row.spread:.0%}",
    )


def as_object(rows: Sequence[Row], found: Sequence[Advice], machine: dict[str, Any]) -> dict[str, Any]:
    """Everything, for programs: speeds in tokens a second, memory in bytes."""
    return {
        "machine": machine,
        "rows": [
            {
                "model": row.model,
                "form_of": row.form_of,
                "threads": row.threads,
                "as_set": row.as_set,
                "prefill": row.prefill,
                "decode": row.decode,
                "first_token": row.first_token,
                "memory": row.memory,
                "spread": row.spread,
                "runs": row.runs,
            }
            for row in rows
        ],
        "advice": list(found),
    }


def charts(rows: Sequence[Row]) -> list[Chart]:
    """Each model a place, each number of threads a colour."""
    models = list(dict.fromkeys(row.model for row in rows))
    threads = sorted({row.threads for row in rows})
    by_place = {(row.model, row.threads): row for row in rows}

    def of(name: str) -> dict[str, list[float | None]]:
        found: dict[str, list[float | None]] = {}
        for count in threads:
            placed = [by_place.get((model, count)) for model in models]
            found[f"{count} thread{'s' * (count != 1)}"] = [getattr(row, name, None) for row in placed]
        return found

    return [
        Chart("Writes, tokens a second", models, of("decode")),
        Chart("Reads, tokens a second", models, of("prefill")),
        Chart("First token, seconds", models, of("first_token")),
        Chart("Memory, bytes", models, of("memory")),
    ]


def _speed(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"
