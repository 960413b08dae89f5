"""Entropy out of the likeliest tokens."""

import math

import pytest

from workers.engines.uncertainty import REST_ENTROPY, entropy, entropy_among


def logs(*shares: float) -> list[float]:
    return [math.log(share) for share in shares]


def test_a_whole_distribution_has_its_entropy() -> None:
    assert entropy(logs(0.25, 0.25, 0.25, 0.25)) == pytest.approx(math.log(4))
    assert entropy([0.0]) == 0.0
    assert entropy([-math.inf, 0.0]) == 0.0


def test_what_is_not_listed_is_spread_over_many_tokens() -> None:
    as_one = 0.5 * math.log(2) + 0.5 * math.log(4)
    assert entropy(logs(0.5, 0.25)) == pytest.approx(as_one + 0.25 * REST_ENTROPY)


def test_a_probe_is_counted_over_what_it_is_among() -> None:
    tokens = list(zip([" A", "A", "(B", " the", "C."], logs(0.2, 0.1, 0.3, 0.3, 0.05), strict=True))
    assert entropy_among(tokens, ["A", "B", "C", "D"]) == pytest.approx(math.log(2))


def test_words_are_known_by_their_beginning_and_in_any_case() -> None:
    tokens = list(zip([" yes", "No", " ne"], logs(0.4, 0.2, 0.2), strict=True))
    assert entropy_among(tokens, ["yes", "no", "nein"]) == pytest.approx(
        -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    )


def test_where_the_model_answers_something_else_all_tokens_count() -> None:
    tokens = list(zip([" The", " It", " A"], logs(0.6, 0.37, 0.03), strict=True))
    assert entropy_among(tokens, ["A", "B"]) == entropy(logs(0.6, 0.37, 0.03))
    assert entropy_among(tokens, []) == entropy(logs(0.6, 0.37, 0.03))
