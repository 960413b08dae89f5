"""What somebody may spend and ask for whom a client asks: held by the router, whoever the client is."""

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.store.ledger import Spent
from tests.unit.server.router.desk import ANN, HI, OPENAI, Desk


def clouds(desk: Desk) -> list[str]:
    return [one.model for one in desk.away if one.provider.api != "ollama"]


def failed(desk: Desk) -> list[str]:
    last = desk.last()
    assert isinstance(last, wire.Failed)
    return [reason.code for reason in last.reasons]


def test_a_spent_budget_of_ones_own_keeps_the_answer_here() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.own_costs = {"guest": 1.0}
    desk.ask(principal="guest", day_budget=1.0)
    assert clouds(desk) == []
    desk.ask(id=2, principal="other", day_budget=1.0)
    assert clouds(desk) == ["gpt-3.5-turbo"], "what one has spent is not another's"


def test_a_named_cloud_beyond_the_budget_is_refused_with_whose_it_is() -> None:
    desk = Desk()
    desk.ask(model="openai:gpt-4", principal="guest", day_budget=0.0)
    assert failed(desk) == [Code.OVER_BUDGET]
    assert "guest" in desk.last().reasons[-1].hint  # type: ignore[attr-defined]


def test_what_is_open_counts_against_the_budget() -> None:
    desk = Desk(OPENAI, score=0.5)
    for number in range(1, 200):
        desk.router.chat(ANN, wire.Chat(number, HI, principal="guest", day_budget=0.005))
    assert 0 < len(clouds(desk)) < 20, "as if each had all of it"


def test_the_tighter_of_two_budgets_counts() -> None:
    desk = Desk()
    desk.costs = Spent(day=0.0, month=0.0)
    desk.own_costs = {"guest": 0.5}
    desk.ask(model="openai:gpt-4", principal="guest", day_budget=0.5, max_cost=5.0)
    assert failed(desk) == [Code.OVER_BUDGET]


@pytest.mark.parametrize(
    ("only", "asked"),
    [
        ([], ["gpt-3.5-turbo"]),
        (["phi-2"], []),
        (["openai:*"], ["gpt-3.5-turbo"]),
        (["OpenAI:GPT-3*:latest"], ["gpt-3.5-turbo"]),
        (["gpt-3*"], []),
    ],
)
def test_the_router_chooses_among_those_that_may_be_asked(only: list[str], asked: list[str]) -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(only=only)
    assert clouds(desk) == asked


def test_nobody_else_is_asked_where_none_may_be() -> None:
    desk = Desk(OPENAI, score=0.5)
    desk.ask(only=["mistral*"])
    assert (desk.here, desk.away) == ([], [])
    assert set(failed(desk)) == {Code.MODEL_NOT_FOUND}
    assert "phi" not in str(desk.last()), "who else is here is not told"
