"""What an answer costs: by the table, by the user's own prices, and how long it may be within a limit."""

import pytest

from ai_pal.config.clouds import KNOWN
from ai_pal.config.tables import PriceSettings
from ai_pal.protocol.usage import Usage
from ai_pal.providers.dollars import dollars, fine
from ai_pal.providers.prices import FREE, Long, Price, price_table


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


@pytest.mark.parametrize(
    "date", ["-2024-08-06", "-20240806", "@20240806", "-0806", "-08-2024", "@2024-08-06"]
)
def test_dates_are_written_as_providers_write_them(date: str) -> None:
    table = price_table().over({"gw:x/model-4": PriceSettings(input=1, output=2)})
    assert table.find("gw", f"x/model-4{date}") == Price(1.0, 2.0)


@pytest.mark.parametrize(
    "other",
    [
        "-32k",
        "-mini",
        "-1399",
        "-0100",
        "-preview",
        "-2024-08-06-preview",
        "-v2",
        ".1",
        "-13-2024",
        "-20249906",
    ],
)
def test_others_of_a_family_are_others(other: str) -> None:
    table = price_table().over({"gw:x/model-4": PriceSettings(input=1, output=2)})
    assert table.find("gw", f"x/model-4{other}") is None


@pytest.mark.parametrize(
    ("name", "input_", "output", "window"),
    [
        ("openai:gpt-4-32k", 60, 120, 32768),
        ("openai:gpt-4-32k-0613", 60, 120, 32768),
        ("openai:gpt-3.5-turbo-16k", 3, 4, 16385),
        ("openai:gpt-3.5-turbo-0125", 0.5, 1.5, 16385),
        ("openai:gpt-3.5-turbo-1106", 1, 2, 16385),
        ("openai:gpt-4-1106-preview", 10, 30, 128000),
        ("openai:gpt-4-0613", 30, 60, 8192),
        ("openai:gpt-4o-2024-05-13", 5, 15, 128000),
        ("openai:gpt-4o-2024-11-20", 2.5, 10, 128000),
        ("cohere:command-r7b-12-2024", 0.0375, 0.15, 128000),
        ("anthropic:claude-opus-4-5-20251101", 5, 25, 200000),
        ("anthropic:claude-opus-4-1@20250805", 15, 75, 200000),
    ],
)
def test_what_has_a_row_of_its_own(name: str, input_: float, output: float, window: int) -> None:
    price = price_table().find(*name.split(":"))
    assert price is not None
    assert (price.input, price.output, price.window) == (input_, output, window)


def test_each_row_can_be_and_has_its_day() -> None:
    for name, row in price_table().models.items():
        assert 0 < row.input <= row.output, name
        assert row.cached is None or row.cached < row.input, name
        assert 0 <= row.most < row.window, name
        assert "2024-01-01" < row.as_of <= price_table().as_of or row.as_of.startswith("2026-11"), name


def test_what_we_ask_for_ourselves_has_a_price() -> None:
    for name, cloud in KNOWN.items():
        for model in (cloud.mid, cloud.strong):
            assert price_table().find(name, model or ""), f"{name}:{model}"


def test_own_prices_win() -> None:
    own = {"openai:gpt-4": PriceSettings(input=1, output=1)}
    assert price_table().over(own).find("openai", "gpt-4") == Price(1.0, 1.0)


def test_a_long_prompt_costs_more_from_its_first_token_on() -> None:
    price = Price(1.0, 2.0, long=Long(1000, 3.0, 4.0, 0.5))
    assert price.of(Usage(1000, 0, 1000)) == pytest.approx(0.003)
    assert price.of(Usage(2000, 1000, 1000)) == pytest.approx((3000 + 500 + 4000) / 1e6)
    assert price.affordable(2000, 0.01) == 1000


def test_no_answer_is_longer_than_the_model_can_say() -> None:
    assert Price(1.0, 1.0, most=4096).affordable(10, 1.0) == 4096
    assert Price(1.0, 1.0, window=8192).affordable(1000, 1.0) == 8192 - 1000 - 16
    assert Price(1.0, 1.0, window=8192, most=8000).affordable(1000, 1.0) == 8192 - 1000 - 16
    assert Price(1.0, 1.0, window=100).affordable(1000, 1.0) == 0
    assert Price(1e-9, 1e-9).affordable(1000, 1.0) is None, "no model says so much"
    assert Price(1e-9, 1e-9, most=4096).affordable(1000, 1.0) == 4096


def test_the_longest_answer_within_a_limit_costs_no_more() -> None:
    price = Price(1.0, 2.0)
    tokens = price.affordable(1000, 0.01)
    assert tokens == 4500
    assert price.expected(1000, tokens) <= 0.01
    assert FREE.affordable(1000, 0.0) is None


def test_the_table_says_of_which_day_it_is() -> None:
    assert len(price_table().as_of) == len("2025-06-30")


def test_a_fine_sum_has_four_digits_or_two_that_mean_something() -> None:
    assert (fine(0.02468), fine(1.5), fine(0.0000123)) == ("$0.0247", "$1.5000", "$0.000012")


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
