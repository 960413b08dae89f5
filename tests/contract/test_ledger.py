"""What every ledger does: the one in the database and the one in memory."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.store.calendar import Span, day_of, month_of
from ai_pal.store.ledger import Attempt, Ledger, Spent, Tokens
from ai_pal.store.sqlite_ledger import SqliteLedger
from tests.memory_ledger import MemoryLedger

NOON = time.mktime((2026, 11, 22, 12, 0, 0, 0, 0, -1))
DAY = 86_400.0
HERE = Attempt(
    at=NOON, request="a", tier=1, provider="local", model="smollm2", outcome="done", score=0.1,
    prompt_tokens=100, completion_tokens=20,
)  # fmt: skip
CLOUD = msgspec.structs.replace(
    HERE,
    at=NOON + 60,
    request="b",
    tier=3,
    provider="openai",
    model="gpt-4",
    score=0.9,
    cost=0.25,
    remote=True,
)


@pytest.fixture(params=["sqlite", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    made = SqliteLedger(tmp_path / "ai-pal.db") if request.param == "sqlite" else MemoryLedger()
    yield made
    made.close()


def test_an_empty_ledger_has_spent_nothing(ledger: Ledger) -> None:
    assert ledger.spent(Span(NOON, NOON + DAY), Span(NOON - DAY, NOON + DAY)) == Spent(0.0, 0.0)
    assert ledger.summary("day") == []


def test_spent_counts_from_the_day_and_from_the_month(ledger: Ledger) -> None:
    yesterday, long_ago = (msgspec.structs.replace(CLOUD, at=NOON - days * DAY) for days in (1, 40))
    ledger.record([HERE, CLOUD, yesterday, long_ago])
    day, month = Span(NOON - 60, NOON + DAY), Span(NOON - 20 * DAY, NOON + 10 * DAY)
    assert ledger.spent(day, month) == Spent(day=0.25, month=0.5)


def test_what_was_spent_in_the_future_belongs_to_the_future(ledger: Ledger) -> None:
    tomorrow, next_year = (msgspec.structs.replace(CLOUD, at=NOON + days * DAY) for days in (1, 365))
    ledger.record([CLOUD, tomorrow, next_year])
    assert ledger.spent(day_of(NOON), month_of(NOON)) == Spent(day=0.25, month=0.5)


def test_a_cost_that_nobody_knows_is_counted_as_such(ledger: Ledger) -> None:
    ledger.record([HERE, CLOUD, msgspec.structs.replace(CLOUD, cost=0.0, priced=False)])
    (sums,) = ledger.summary("day")
    assert (sums.cost, sums.unpriced) == (0.25, 1)


def test_a_summary_tells_what_was_answered_where_and_what_left(ledger: Ledger) -> None:
    broken = msgspec.structs.replace(CLOUD, outcome="rate_limited", cost=0.0, completion_tokens=0)
    hard = msgspec.structs.replace(HERE, score=0.8)
    ledger.record([HERE, hard, CLOUD, broken])
    (sums,) = ledger.summary("day")
    assert (sums.key, sums.attempts, sums.answers, sums.here, sums.left) == ("2026-11-22", 4, 3, 2, 2)
    assert (sums.tokens, sums.cost) == (Tokens(400, 60), 0.25)
    assert (sums.mid, sums.strong) == (Tokens(100, 20), Tokens(100, 20))


def test_what_answers_instead_of_doubted_ones_cost_is_told_apart(ledger: Ledger) -> None:
    draft = msgspec.structs.replace(HERE, request="c", outcome="unsure")
    ledger.record([HERE, CLOUD, draft, msgspec.structs.replace(CLOUD, request="c", cost=0.125)])
    (sums,) = ledger.summary("day")
    assert (sums.doubted, sums.cost, sums.doubted_cost) == (1, 0.375, 0.125)
    by_model = {one.key: one.doubted_cost for one in ledger.summary("model")}
    assert by_model == {"smollm2": 0.0, "openai:gpt-4": 0.125}


def test_what_went_to_machines_of_the_users_is_told_apart(ledger: Ledger) -> None:
    box = msgspec.structs.replace(CLOUD, tier=4, provider="box", model="echo", cost=0.0, mine=True)
    ledger.record([HERE, CLOUD, box, box])
    (sums,) = ledger.summary("day")
    assert (sums.left, sums.left_to_mine) == (3, 2)


def test_an_unscored_answer_would_have_asked_for_a_mid_cloud(ledger: Ledger) -> None:
    ledger.record([msgspec.structs.replace(HERE, score=None)])
    assert ledger.summary("tier")[0].mid == Tokens(100, 20)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("day", ["2026-11-22", "2026-11-23"]),
        ("model", ["openai:gpt-4", "smollm2"]),
        ("tier", ["1", "3"]),
        ("principal", ["", "ann"]),
        ("day and model", ["2026-11-22 openai:gpt-4", "2026-11-22 smollm2", "2026-11-23 smollm2"]),
    ],
)
def test_a_summary_goes_by_day_model_tier_or_principal(ledger: Ledger, by: str, keys: list[str]) -> None:
    ledger.record(
        [HERE, msgspec.structs.replace(CLOUD, principal="ann"), msgspec.structs.replace(HERE, at=NOON + DAY)]
    )
    assert [sums.key for sums in ledger.summary(by)] == keys  # type: ignore[arg-type]


def test_a_mistyped_name_is_no_model(ledger: Ledger) -> None:
    typo = msgspec.structs.replace(HERE, model="smolm", outcome="model_not_found", prompt_tokens=0)
    gone = msgspec.structs.replace(CLOUD, model="gpt-999", outcome="model_not_found", cost=0.0)
    ledger.record([HERE, typo, typo, gone])
    assert [sums.key for sums in ledger.summary("model")] == ["openai:gpt-999", "smollm2"]
    assert len(ledger.summary("day and model")) == 2
    assert ledger.summary("day")[0].attempts == 4
    ledger.record([msgspec.structs.replace(typo, outcome="done")])
    assert [sums.attempts for sums in ledger.summary("model") if sums.key == "smolm"] == [3]


def test_a_summary_takes_the_attempts_from_since_up_to_until(ledger: Ledger) -> None:
    ledger.record([msgspec.structs.replace(HERE, at=NOON + second) for second in range(5)])
    assert ledger.summary("tier", since=NOON + 1, until=NOON + 3)[0].attempts == 2


WRONG: list[dict[str, float]] = [
    {"cost": math.nan},
    {"cost": math.inf},
    {"cost": -1.0},
    {"prompt_tokens": 2**64},
    {"completion_tokens": -1},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_figures_that_cannot_be_are_refused_with_all_beside_them(
    ledger: Ledger, wrong: dict[str, float]
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the database's
        ledger.record([HERE, msgspec.structs.replace(HERE, **wrong)])
    assert ledger.summary("day") == []
