"""Some eighty error bodies of real servers: what each means, and that its own words are quoted."""

import pytest

from ai_pal.egress.providers.failures.error_body import read, words
from tests.servers.error_bodies import CASES, CODES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_error_body_means_what_it_says(case: Case) -> None:
    failure = case.failure()
    assert failure.code == case.code, failure
    assert failure.retryable == CODES[case.code].retryable
    assert case.words in failure.detail
    assert failure.retry_after == case.retry_after
    assert "canary" not in str(failure), "what the request held is not quoted"
    assert len(failure.message) < 120


def test_only_a_refusal_of_the_key_sends_to_the_key() -> None:
    for case in CASES:
        failure = case.failure()
        assert ("keys set" in failure.hint) == (case.code == "auth_failed"), case.name
        assert ("accept the key" in failure.message) == (case.code == "auth_failed"), case.name


def test_there_are_enough() -> None:
    assert len(CASES) >= 60
    assert {case.code for case in CASES} == set(CODES)
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_body_without_end_is_no_trouble() -> None:
    deep: object = "x"
    for _ in range(2000):
        deep = {"error": [deep]}
    assert words(deep) == ""
    assert len(read("x" * 5_000_000).words) <= 4096
    assert read("{" * 100_000).kinds == ()
