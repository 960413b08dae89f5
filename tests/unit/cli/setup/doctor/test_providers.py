"""What `ai-pal doctor` says of providers' lists of models."""

import pytest

from ai_pal.cli.setup.doctor.providers import judged, priced
from ai_pal.errors import Code, Failure
from ai_pal.protocol.client import ProviderStatus
from ai_pal.providers.prices import price_table

OFFERS = ["gpt-4", "gpt-4.1-mini", "gpt-4o", "whisper-1"]


def cloud(*models: str, failure: Failure | None = None) -> ProviderStatus:
    return ProviderStatus("openai", "openai", list(models), OFFERS, failure)


def ollama(*models: str, failure: Failure | None = None) -> ProviderStatus:
    return ProviderStatus("ollama", "ollama", list(models), ["phi:latest", "llama3.2:1b"], failure)


def test_what_is_there_is_well() -> None:
    assert judged(cloud("gpt-4", "gpt-4o")).state == "ok"
    assert judged(ollama("phi", "phi:latest", "llama3.2:1b")).state == "ok"


def test_a_retired_model_is_named_with_those_most_like_it() -> None:
    found = judged(cloud("gpt-3.5-turbo", "gpt-4"))
    assert found.state == "warn"
    assert found.text.startswith("gpt-3.5-turbo is gone; it has gpt-4")
    assert "[providers.openai]" in found.mend


def test_a_model_that_ollama_lacks_is_to_be_pulled() -> None:
    found = judged(ollama("llama3.2", "phi"))
    assert (found.state, found.mend) == ("warn", "run: ollama pull llama3.2")
    assert "llama3.2:1b" in found.text


def test_an_ollama_that_nobody_wants_need_not_have_anything() -> None:
    found = judged(ollama("llama3.2"), wanted=False)
    assert found.state == "ok"
    assert found.text.endswith("; that it may stand in here: ollama pull llama3.2")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (Code.AUTH_FAILED, "fail"),
        (Code.ACCESS_DENIED, "fail"),
        (Code.NO_CREDIT, "fail"),
        (Code.PROVIDER_UNREACHABLE, "warn"),
        (Code.SDK_MISSING, "warn"),
        (Code.NO_CONSENT, "ok"),
        (Code.LOCAL_ONLY, "ok"),
    ],
)
def test_not_each_failure_is_a_fault(code: Code, state: str) -> None:
    assert judged(cloud("gpt-4", failure=Failure(code, "why", "how"))).state == state


def test_an_ollama_that_nobody_wants_may_be_absent() -> None:
    refused = Failure(Code.PROVIDER_UNREACHABLE, "connection refused")
    assert judged(ollama("phi", failure=refused), wanted=False).state == "ok"
    assert judged(ollama("phi", failure=refused), wanted=True).state == "warn"


def test_an_ollama_that_is_missed_is_told_with_where_it_was_asked() -> None:
    refused = Failure(Code.PROVIDER_UNREACHABLE, "ollama could not be reached: connection refused", "check")
    found = judged(ollama("phi", failure=refused), at="http://11500:11434")
    assert found.text == "ollama could not be reached: connection refused (asked at http://11500:11434)"
    assert found.mend == "start it: ollama serve; or say where it is: OLLAMA_HOST, or base_url in [ollama]"


@pytest.mark.parametrize(("budgeted", "state"), [(False, "ok"), (True, "warn")])
def test_a_price_that_nobody_knows_is_told(budgeted: bool, state: str) -> None:
    status = cloud("gpt-4o", "whisper-1")
    found = priced(judged(status), status, price_table(), budgeted=budgeted)
    assert (found.state, found.mend) == (state, 'give the price: [prices."openai:whisper-1"]')
    assert "nobody knows what openai:whisper-1 costs" in found.text
    known = cloud("gpt-4o")
    assert priced(judged(known), known, price_table(), budgeted=budgeted) == judged(known)
