"""Each value that `protocol.option_rules` takes, asked of each provider: it is answered, and what was not
passed on as it was is told; or it is refused because the model cannot do it. Never because of the value."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Api
from tests.contract.providers import Find
from tests.contract.strict import Strict
from tests.egress_driver import Answer, EgressDriver, egress_process
from tests.option_values import taken
from tests.servers.clouds import KEYS

MODELS: dict[Api, list[str]] = {
    "openai": ["gpt-4o", "gpt-5-mini"],
    "anthropic": ["claude-haiku-4-5"],
    "cohere": ["command-a-03-2025"],
}
HI = [Message("user", "one two")]

NAMES = {
    "top_p": "p",
    "top_k": "k",
    "max_tokens": "max_completion_tokens",
    "stop": "stop_sequences",
}
"""What APIs call options, where not all call them so."""

PLAIN = {"temperature", "top_p", "max_tokens", "seed", "stop", "top_k", "min_p", "repeat_penalty"}
PLAIN |= {"presence_penalty", "frequency_penalty"}
"""Options that a body says as they are."""

NEUTRAL: dict[str, Any] = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
NEEDS = {"response_format", "tools", "logprobs", "context", "prefill", "lora"}
"""What rules out who cannot do it; everything else is a wish."""


@pytest.fixture(scope="module")
def egress() -> Iterator[EgressDriver]:
    with egress_process({f"AI_PAL_KEY_{api.upper()}": key for api, key in KEYS.items()}) as driver:
        yield driver


@pytest.mark.parametrize(
    ("api", "model"), [(api, model) for api, models in MODELS.items() for model in models]
)
def test_a_cloud_takes_what_the_table_takes_or_is_asked_without(
    egress: EgressDriver, api: Api, model: str
) -> None:
    wrong = []
    with Strict(api) as cloud:
        for name, label, value in taken():
            answer = cloud.ask(egress, model, HI, GenerationOptions(**{name: value}))
            if why := _wrong(name, value, answer, cloud.bodies[-1] if cloud.bodies else {}):
                wrong.append((name, label, why))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.real_model
def test_a_real_ollama_takes_the_ends_of_each_range(egress: EgressDriver, find: Find) -> None:
    usual, wrong = find("ollama").complete(tokens=2), []
    for name, label, value in taken():
        if name not in PLAIN - {"max_tokens"} or label not in ("0", "-1", "2^31", "2^32"):
            continue  # without a limit it ends what repeats itself, as a tiny model does
        options = replace(usual.options, **{name: value})
        if why := _wrong(name, value, egress.ask(replace(usual, options=options)), {}):
            wrong.append((name, label, why))
    assert not wrong, "\n".join(map(str, wrong))


def _wrong(name: str, value: Any, answer: Answer, body: dict[str, Any]) -> str:
    if isinstance(answer.end, out.CompletionFailed):
        failure = answer.end.failure
        return (
            ""
            if failure.code == "unsupported" and name in NEEDS
            else f"{failure.code}: {failure.message} {failure.detail}"
        )
    told = " ".join(reason for _, reason in answer.notices)
    if not body or name not in PLAIN or NEUTRAL.get(name) == value or name in told:
        return ""
    said = body.get(name, body.get(NAMES.get(name, name)))
    if name == "top_k" and value <= 0:
        return "" if said in (None, 0, value) else f"{value} is all tokens, not {said}"
    return "" if said == value else f"neither passed on nor told: {json.dumps(body)[:300]} {told}"
