"""Who failed of late is left alone: how many failures it takes, for how long, and what does not count."""

import pytest
from msgspec.structs import replace

from ai_pal.errors import Code, Failure
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, OLLAMA, Candidate
from ai_pal.server.router.policy.health import ProviderHealth

GPT4 = Candidate(tier=CLOUD, provider="openai", model="gpt-4")
GPT3 = Candidate(tier=CLOUD, provider="openai", model="gpt-3.5-turbo")
PHI = Candidate(tier=OLLAMA, provider="ollama", model="phi")
BROKEN = Failure(Code.PROVIDER_ERROR, "HTTP 500", retryable=True)
REFUSED = Failure(Code.PROVIDER_UNREACHABLE, "connection refused", retryable=True)


def after(*failures: Failure, candidate: Candidate = GPT4) -> ProviderHealth:
    health = ProviderHealth()
    for failure in failures:
        health.failed(candidate, failure)
    return health


def test_two_failures_are_not_enough_and_three_are() -> None:
    assert after(BROKEN, BROKEN).blocked(GPT4) is None
    refusal = after(BROKEN, BROKEN, BROKEN).blocked(GPT4)
    assert refusal is not None
    assert refusal.code == Code.BREAKER_OPEN
    assert refusal.message == "HTTP 500 (asked again in 15 s)"


def test_nobody_there_counts_at_once_and_for_all_models_of_the_provider() -> None:
    health = after(REFUSED)
    assert health.blocked(GPT4) is not None
    assert health.blocked(GPT3) is not None
    assert health.blocked(PHI) is None


def test_a_broken_model_says_nothing_about_the_others() -> None:
    assert after(BROKEN, BROKEN, BROKEN).blocked(GPT3) is None


def test_retry_after_is_kept_to() -> None:
    health = after(Failure(Code.RATE_LIMITED, "HTTP 429", retryable=True, retry_after=60.0))
    health.now = 59.0
    assert health.blocked(GPT4) is not None
    health.now = 60.0
    assert health.blocked(GPT4) is None


@pytest.mark.parametrize(
    "code", [Code.PROMPT_TOO_LARGE, Code.PROVIDER_REFUSED, Code.NO_KEY, Code.MODEL_NOT_HERE]
)
def test_what_is_permanent_trips_nothing(code: Code) -> None:
    failure = Failure(code, "no")
    assert after(failure, failure, failure, failure).blocked(GPT4) is None


@pytest.mark.parametrize("code", [Code.AUTH_FAILED, Code.ACCESS_DENIED, Code.NO_CREDIT])
def test_a_no_for_good_is_remembered_for_all_models_of_the_provider(code: Code) -> None:
    health = after(Failure(code, "openai says no (HTTP 4xx)", "do this", detail="its words"))
    for candidate in (GPT4, GPT3):
        refusal = health.blocked(candidate)
        assert refusal == Failure(
            Code.BREAKER_OPEN,
            "openai says no (HTTP 4xx) (asked again in 10 min)",
            "do this",
            retryable=True,
            retry_after=600.0,
            detail="its words",
        )
    assert health.blocked(PHI) is None
    health.now = 600.0
    assert health.blocked(GPT4) is None
    health.asked(GPT4)
    assert health.blocked(GPT3) is not None, "one request is the probe"
    health.failed(GPT4, Failure(code, "still no"))
    health.now = 600.0 + 1199.0
    assert health.blocked(GPT3) is not None
    health.now = 600.0 + 1200.0
    assert health.blocked(GPT3) is None


def test_a_model_that_is_not_there_is_remembered_alone() -> None:
    health = after(Failure(Code.MODEL_NOT_FOUND, "openai has no model gpt-4"))
    assert health.blocked(GPT4) is not None
    assert health.blocked(GPT3) is None


def test_who_was_left_alone_has_not_failed() -> None:
    health = after(REFUSED)
    health.now = 10.0
    refusal = health.blocked(GPT3)
    assert refusal is not None
    health.failed(GPT3, refusal)
    health.now = 15.0
    assert health.blocked(GPT3) is None
    health.asked(GPT4)
    probed = health.blocked(GPT3)
    assert probed is not None
    health.failed(GPT3, probed)
    assert health.blocked(replace(GPT3, model="gpt-5")) is not None, "the probe goes on"


def test_an_answer_makes_a_no_for_good_forgotten() -> None:
    health = after(Failure(Code.AUTH_FAILED, "no"))
    health.answered(GPT3, 1.0)
    assert health.blocked(GPT4) is None
    assert health.blocked(GPT3) is None


def test_another_key_is_tried_at_once_and_learned_of_anew() -> None:
    refused = Failure(Code.AUTH_FAILED, "no")
    health = after(refused, refused, refused, candidate=replace(GPT4, mark="keyring 1"))
    again = replace(GPT4, mark="keyring 2")
    assert health.blocked(replace(GPT4, mark="keyring 1")) is not None
    assert health.blocked(again) is None
    health.asked(again)
    assert health.blocked(again) is None
    health.failed(again, refused)
    refusal = health.blocked(again)
    assert refusal is not None
    assert refusal.retry_after == 600.0, "the other key's refusals do not count"


def test_another_key_is_no_reason_to_ask_who_is_not_there() -> None:
    health = after(REFUSED, candidate=replace(GPT4, mark="1"))
    assert health.blocked(replace(GPT4, mark="2")) is not None


def test_each_failed_probe_doubles_the_pause() -> None:
    health = after(REFUSED)
    health.now = 15.0
    assert health.blocked(GPT4) is None
    health.asked(GPT4)
    health.failed(GPT4, REFUSED)
    health.now = 15.0 + 29.0
    assert health.blocked(GPT4) is not None
    health.now = 15.0 + 30.0
    assert health.blocked(GPT4) is None


def test_this_machine_has_no_breaker() -> None:
    here = Candidate(tier=LOCAL, provider="local", model="phi-2")
    assert after(*[BROKEN] * 5, candidate=here).blocked(here) is None


def test_a_quick_answer_moves_the_mean_by_a_third() -> None:
    health = ProviderHealth()
    health.answered(GPT4, 2.0)
    health.answered(GPT4, 1.0)
    assert health.seconds(GPT4) == pytest.approx(1.7)
