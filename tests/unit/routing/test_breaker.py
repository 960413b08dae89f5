"""Who failed of late is left alone: how many failures it takes, for how long, and what does not count."""

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.routing.candidate import CLOUD, LOCAL, OLLAMA, Candidate
from ai_pal.routing.health import Lessons

GPT4 = Candidate(tier=CLOUD, provider="openai", model="gpt-4")
GPT3 = Candidate(tier=CLOUD, provider="openai", model="gpt-3.5-turbo")
PHI = Candidate(tier=OLLAMA, provider="ollama", model="phi")
BROKEN = Failure(Code.PROVIDER_ERROR, "HTTP 500", retryable=True)
REFUSED = Failure(Code.PROVIDER_UNREACHABLE, "connection refused", retryable=True)


def after(*failures: Failure, candidate: Candidate = GPT4) -> Lessons:
    lessons = Lessons()
    for failure in failures:
        lessons.failed(candidate, failure)
    return lessons


def test_two_failures_are_not_enough_and_three_are() -> None:
    assert after(BROKEN, BROKEN).blocked(GPT4) is None
    refusal = after(BROKEN, BROKEN, BROKEN).blocked(GPT4)
    assert refusal is not None
    assert refusal.code == Code.BREAKER_OPEN
    assert refusal.message == "HTTP 500 (asked again in 15 s)"


def test_nobody_there_counts_at_once_and_for_all_models_of_the_provider() -> None:
    lessons = after(REFUSED)
    assert lessons.blocked(GPT4) is not None
    assert lessons.blocked(GPT3) is not None
    assert lessons.blocked(PHI) is None


def test_a_broken_model_says_nothing_about_the_others() -> None:
    assert after(BROKEN, BROKEN, BROKEN).blocked(GPT3) is None


def test_retry_after_is_kept_to() -> None:
    lessons = after(Failure(Code.RATE_LIMITED, "HTTP 429", retryable=True, retry_after=60.0))
    lessons.now = 59.0
    assert lessons.blocked(GPT4) is not None
    lessons.now = 60.0
    assert lessons.blocked(GPT4) is None


@pytest.mark.parametrize("code", [Code.AUTH_FAILED, Code.PROVIDER_REFUSED, Code.NO_KEY, Code.MODEL_NOT_HERE])
def test_what_is_permanent_trips_nothing(code: Code) -> None:
    failure = Failure(code, "no")
    assert after(failure, failure, failure, failure).blocked(GPT4) is None


def test_each_failed_probe_doubles_the_pause() -> None:
    lessons = after(REFUSED)
    lessons.now = 15.0
    assert lessons.blocked(GPT4) is None
    lessons.asked(GPT4)
    lessons.failed(GPT4, REFUSED)
    lessons.now = 15.0 + 29.0
    assert lessons.blocked(GPT4) is not None
    lessons.now = 15.0 + 30.0
    assert lessons.blocked(GPT4) is None


def test_this_machine_has_no_breaker() -> None:
    here = Candidate(tier=LOCAL, provider="local", model="phi-2")
    assert after(*[BROKEN] * 5, candidate=here).blocked(here) is None


def test_a_quick_answer_moves_the_mean_by_a_third() -> None:
    lessons = Lessons()
    lessons.answered(GPT4, 2.0)
    lessons.answered(GPT4, 1.0)
    assert lessons.seconds(GPT4) == pytest.approx(1.7)
