"""The table of plans (plans.md): every row is planned exactly so."""

import pytest

from ai_pal.protocol.provider import Provider
from ai_pal.providers.prices import price_table
from ai_pal.providers.server import Server
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.plan import plan
from ai_pal.server.router.policy.query import Query
from ai_pal.server.router.policy.snapshot import Here, Snapshot, everyone
from tests.unit.server.router.policy.table import Row, rows

ROWS = rows()


def test_the_table_has_not_shrunk() -> None:
    assert len(ROWS) >= 76


@pytest.mark.parametrize("row", ROWS, ids=[f"row {number}" for number, _ in enumerate(ROWS, 1)])
def test_a_row_is_planned_as_it_says(row: Row) -> None:
    steps, ruled_out = row.planned()
    assert steps == row.plan
    assert ruled_out == row.ruled_out


@pytest.mark.parametrize("row", ROWS, ids=[f"row {number}" for number, _ in enumerate(ROWS, 1)])
def test_who_is_not_asked_is_told_why_and_what_to_do(row: Row) -> None:
    for out in row.make().ruled_out:
        assert out.failure.message


def test_without_fallback_nobody_is_asked_who_may_not_be_there() -> None:
    absent = Server(provider=Provider("ollama", "ollama"), mid="phi", consent=True, expected=False)
    snapshot = Snapshot(here=Here(model="smollm2", state="not_here", absent=True), ollama=absent)
    candidates = everyone(snapshot, price_table(), ProviderHealth())
    made = plan(Query(fallback=False), candidates)
    assert [step.candidate.model for step in made.steps] == ["smollm2"]
