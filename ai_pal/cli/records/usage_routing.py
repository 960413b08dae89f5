"""`ai-pal usage --routing`: what answers have taught of each model's doubts, as a table. Pure."""

from ai_pal.store.taught import Taught, verdict

HEAD = ("MODEL", "KIND", "ANSWERS", "GOOD", "BAD", "CAN DOUBT")


def cells(row: Taught) -> tuple[str, ...]:
    """A row of the table."""
    return (row.model, row.kind or "-", str(row.answers), str(row.good), str(row.bad), verdict(row))
