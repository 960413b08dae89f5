"""What an answer costs: by the table, by the user's own prices, and how long it may be within a limit."""

import pytest

from ai_pal.messages.chat import Usage
from ai_pal.routing.prices import FREE, Price, price_table
from ai_pal.routing.ruling import dollars


def test_input_and_output_have_their_prices() -> None:
    assert Price(3.0, 15.0).of(Usage(1_000_000, 0, 100_000)) == pytest.approx(4.5)


def test_cached_tokens_cost_less_where_the_provider_says_so() -> None:
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=500_000)
    assert Price(2.0, 0.0, cached=0.5).of(usage) == pytest.approx(1.25)
    assert Price(2.0, 0.0).of(usage) == pytest.approx(2.0)


def test_a_dated_version_has_the_price_of_its_model() -> None:
    table = price_table()
    assert table.find("openai", "gpt-4o-2024-08-06") == table.models["openai:gpt-4o"]
    assert table.find("anthropic", "claude-3-haiku-20240307") == table.models["anthropic:claude-3-haiku"]
    assert table.find("openai", "gpt-9") is None


def test_own_prices_win() -> None:
    assert price_table().over({"openai:gpt-4": Price(1.0, 1.0)}).find("openai", "gpt-4") == Price(1.0, 1.0)


def test_the_longest_answer_within_a_limit_costs_no_more() -> None:
    price = Price(1.0, 2.0)
    tokens = price.affordable(1000, 0.01)
    assert tokens == 4500
    assert price.expected(1000, tokens) <= 0.01
    assert FREE.affordable(1000, 0.0) is None


def test_the_table_says_of_which_day_it_is() -> None:
    assert len(price_table().as_of) == len("2025-06-30")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "$0.00"),
        (1e-12, "$0.00"),
        (1.2345e-5, "$0.000012"),
        (0.0247, "$0.025"),
        (0.5, "$0.50"),
        (12.5, "$12.50"),
    ],
)
def test_small_amounts_keep_two_digits(amount: float, text: str) -> None:
    assert dollars(amount) == text
