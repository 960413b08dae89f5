"""The table of plans (plans.md): every row is planned exactly so."""

import pytest

from tests.unit.routing.table import Row, rows

ROWS = rows()


def test_the_table_has_not_shrunk() -> None:
    assert len(ROWS) >= 74


@pytest.mark.parametrize("row", ROWS, ids=[f"row {number}" for number, _ in enumerate(ROWS, 1)])
def test_a_row_is_planned_as_it_says(row: Row) -> None:
    steps, ruled_out = row.planned()
    assert steps == row.plan
    assert ruled_out == row.ruled_out


@pytest.mark.parametrize("row", ROWS, ids=[f"row {number}" for number, _ in enumerate(ROWS, 1)])
def test_who_is_not_asked_is_told_why_and_what_to_do(row: Row) -> None:
    for out in row.make().ruled_out:
        assert out.failure.message
