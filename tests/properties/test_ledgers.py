"""The ledger in memory and the one in the database say the same of whatever happened."""

import os
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_pal.store.calendar import Span
from ai_pal.store.ledger import Attempt, By
from ai_pal.store.sqlite_ledger import SqliteLedger
from tests.memory_ledger import MemoryLedger

TIMES = st.integers(1_700_000_000, 1_800_000_000).map(float)
TOKENS = st.integers(0, 1_000_000_000)

ATTEMPTS = st.builds(
    Attempt,
    at=TIMES,
    request=st.just("r"),
    tier=st.sampled_from([1, 2, 3]),
    provider=st.sampled_from(["local", "ollama", "openai"]),
    model=st.sampled_from(["phi-2", "gpt-4", "Ünï:x"]),
    outcome=st.sampled_from(["done", "done", "cancelled", "model_not_found"]),
    prompt_tokens=TOKENS,
    completion_tokens=TOKENS,
    cost=st.integers(0, 4096).map(lambda part: part / 1024),  # sums of these are exact
    score=st.none() | st.floats(0, 1),
    remote=st.booleans(),
    priced=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    attempts=st.lists(ATTEMPTS, max_size=30),
    since=TIMES,
    until=TIMES,
    by=st.sampled_from(["day", "model", "tier"]),
)
def test_both_ledgers_agree(attempts: list[Attempt], since: float, until: float, by: By) -> None:
    memory = MemoryLedger()
    home = os.environ["AI_PAL_HOME"]
    with (
        tempfile.TemporaryDirectory(dir=home) as folder,
        closing(SqliteLedger(Path(folder) / "l.db")) as database,
    ):
        for ledger in (memory, database):
            ledger.record(attempts)
        month, day = Span(min(since, until), max(since, until)), Span((since + until) / 2, max(since, until))
        assert database.spent(day, month) == memory.spent(day, month)
        assert database.summary(by) == memory.summary(by)
        assert database.summary(by, since, until) == memory.summary(by, since, until)
