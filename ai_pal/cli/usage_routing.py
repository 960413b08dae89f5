"""`ai-pal usage --routing`: what answers have taught of each model's doubts, as a table. Pure."""

from ai_pal.store.doubts import ASKED
from ai_pal.store.taught import Taught

HEAD = ("MODEL", "KIND", "ANSWERS", "GOOD", "BAD", "CAN DOUBT")


def cells(row: Taught) -> tuple[str, ...]:
    """A row of the table."""
    return (row.model, row.kind or "-", str(row.answers), str(row.good), str(row.bad), _verdict(row))


def _verdict(row: Taught) -> str:
    if row.area is not None:
        return f"{'yes' if row.can_doubt else 'no'} ({row.area:.2f})"
    return f"calibrating, {row.asked / ASKED:.0%}" if row.asked else "not calibrated"
