"""How the ledger in the database finds what it is asked for."""

from contextlib import closing
from pathlib import Path

from ai_pal.store.database import open_database
from ai_pal.store.sqlite_ledger import _SPENT

BOUNDS = {"day": 0.0, "day_end": 1.0, "month": 0.0, "month_end": 1.0}


def test_what_was_spent_is_found_without_looking_at_what_cost_nothing(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "ai-pal.db")) as database:
        (step,) = database.execute(f"EXPLAIN QUERY PLAN {_SPENT}", BOUNDS).fetchall()
    assert "COVERING INDEX attempts_paid" in step[-1]
