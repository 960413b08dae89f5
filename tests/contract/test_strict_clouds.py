"""The real adapters with their real SDKs against clouds that refuse what the real ones refuse.

Whatever is asked in whatever conversation is answered, in one request, or two where the first taught a rule;
what was not passed on as it was is told."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Api, Provider
from tests.contract.strict import Strict
from tests.egress_driver import Answer, EgressDriver, egress_process
from tests.servers.clouds import CLOUDS, KEYS, anthropic, cohere, openai

MODELS: dict[Api, list[str]] = {
    "openai": sorted(openai.MODELS),
    "anthropic": sorted(anthropic.MODELS),
    "cohere": sorted(cohere.MOST),
}
UNKNOWN_FAMILY = "my-deployment"


@pytest.fixture(scope="module")
def egress() -> Iterator[EgressDriver]:
    with egress_process({f"AI_PAL_KEY_{api.upper()}": key for api, key in KEYS.items()}) as driver:
        yield driver


@pytest.fixture(params=sorted(CLOUDS))
def cloud(request: pytest.FixtureRequest) -> Iterator[Strict]:
    with Strict(request.param) as strict:
        yield strict


@pytest.fixture
def strict_openai() -> Iterator[Strict]:
    with Strict("openai") as strict:
        yield strict


@pytest.fixture
def strict_anthropic() -> Iterator[Strict]:
    with Strict("anthropic") as strict:
        yield strict


def drawn_turns(dice: random.Random) -> list[Message]:
    """Any conversation that ends with something of the user's."""
    texts = ["hi", "two words", " padded ", "", " ", "\n", "\t\n"]
    roles = ["system", "user", "assistant"]
    turns = [Message(dice.choice(roles), dice.choice(texts)) for _ in range(dice.randint(0, 6))]  # type: ignore[arg-type]
    return [*turns, Message("user", dice.choice(["one two three", "over"]))]


def drawn_options(dice: random.Random, api: Api) -> GenerationOptions:
    """Any options within the ranges that the API documents."""
    hot = {"openai": [1.5, 2.0], "anthropic": [1.5], "cohere": []}[api]
    extras = {"frequency_penalty": 0.3, "presence_penalty": 0.4, "top_k": 5, "min_p": 0.1, "num_gpu": 1}
    return GenerationOptions(
        temperature=dice.choice([None, None, 0.0, 0.2, 1.0, *hot]),
        top_p=dice.choice([None, None, 0.5, 1.0]),
        max_tokens=dice.choice([None, 3, 3, 1_000_000]),
        seed=dice.choice([None, 7]),
        stop=dice.choice([[], [], [""], ["\n"], ["END", "\n\n"]]),
        extra={name: value for name, value in extras.items() if dice.random() < 0.25},
    )


@pytest.mark.timeout(300)
def test_whatever_is_asked_is_answered(egress: EgressDriver, cloud: Strict) -> None:
    dice = random.Random(f"2026 {cloud.api}")
    for model in MODELS[cloud.api]:
        for _ in range(8):
            turns, options = drawn_turns(dice), drawn_options(dice, cloud.api)
            before = len(cloud.bodies)
            answer = cloud.ask(egress, model, turns, options)
            asked, tries = len(cloud.bodies) - before, 1
            assert asked <= 2
            while isinstance(answer.end, out.CompletionFailed) and tries < 5:
                assert asked == 2, "each try has taught one rule more, two at once take two answers"
                before, tries = len(cloud.bodies), tries + 1
                answer = cloud.ask(egress, model, turns, options)
                assert len(cloud.bodies) - before <= 2
            assert isinstance(answer.end, out.CompletionDone), (model, turns, options, answer.end)
            assert answer.text
            before = len(cloud.bodies)
            again = cloud.ask(egress, model, turns, options)
            assert len(cloud.bodies) - before == 1, "what was learned is known"
            assert again.text == answer.text
            _check_told(cloud.bodies[-1], options, again)


def _check_told(body: dict[str, Any], options: GenerationOptions, answer: Answer) -> None:
    """Each option is in the request as it was asked for, or a notice names it."""
    told = " ".join(reason for _, reason in answer.notices)
    assert len(answer.notices) <= 1
    passed = {
        "temperature": body.get("temperature", 1.0),
        "top_p": body.get("top_p", body.get("p", 1.0)),
        "seed": body.get("seed"),
        "max_tokens": body.get("max_completion_tokens", body.get("max_tokens")),
    }
    for name, value in passed.items():
        wanted = getattr(options, name)
        assert wanted is None or wanted == value or name in told, (name, body, told)
    stops = body.get("stop", body.get("stop_sequences", []))
    for text in options.stop:
        assert not text or text in stops or "stop" in told, (body, told)
    for name, value in options.extra.items():
        asked = body.get("k" if name == "top_k" and "k" in body else name)
        assert asked == value or name in told, (name, body, told)


@pytest.mark.parametrize("model", ["gpt-5-mini", "o3"])
def test_a_reasoning_model_is_asked_right_at_once_and_what_it_refuses_is_told(
    egress: EgressDriver, strict_openai: Strict, model: str
) -> None:
    options = GenerationOptions(temperature=0.2, top_p=1.0, max_tokens=3, stop=["END"])
    answer = strict_openai.ask(egress, model, [Message("user", "one two")], options)
    assert answer.text == "one two one "
    (body,) = strict_openai.bodies
    assert body["max_completion_tokens"] == 3
    assert not {"max_tokens", "temperature", "top_p", "stop"} & body.keys()
    told = f"openai:{model}: stop is left out, it is not taken; "
    assert answer.notices == [("options", told + "temperature 0.2 is left out, it is not taken")]


def test_a_name_that_tells_nothing_is_learned_from_one_refusal_each(
    egress: EgressDriver, strict_openai: Strict
) -> None:
    hi = [Message("user", "one two")]
    first = strict_openai.ask(egress, UNKNOWN_FAMILY, hi, GenerationOptions(max_tokens=3))
    assert first.text == "one two one "
    assert not first.notices, "another name for the limit is no news"
    assert len(strict_openai.bodies) == 2
    second = strict_openai.ask(egress, UNKNOWN_FAMILY, hi, GenerationOptions(max_tokens=3, temperature=0.2))
    assert second.notices == [
        ("options", "openai:my-deployment: temperature 0.2 is left out, it is not taken")
    ]
    assert len(strict_openai.bodies) == 4
    strict_openai.ask(egress, UNKNOWN_FAMILY, hi, GenerationOptions(max_tokens=3, temperature=0.2))
    assert len(strict_openai.bodies) == 5


def test_two_rules_at_once_take_two_answers_and_never_a_third_request(
    egress: EgressDriver, strict_openai: Strict
) -> None:
    hi, options = [Message("user", "one two")], GenerationOptions(max_tokens=3, temperature=0.2)
    refused = strict_openai.ask(egress, UNKNOWN_FAMILY, hi, options).failed.failure
    assert refused.code == Code.PROVIDER_REFUSED
    assert "temperature" in refused.detail
    assert len(strict_openai.bodies) == 2
    assert strict_openai.ask(egress, UNKNOWN_FAMILY, hi, options).text == "one two one "
    assert len(strict_openai.bodies) == 3


@pytest.mark.parametrize(
    ("model", "version"), [("claude-haiku-4-5", "2023-06-01"), ("claude-haiku-5-5", "2026-10-21")]
)
def test_a_temperature_is_asked_of_the_version_that_knows_it(
    egress: EgressDriver, strict_anthropic: Strict, model: str, version: str
) -> None:
    answer = strict_anthropic.ask(egress, model, [Message("user", "hi")], GenerationOptions(temperature=0.3))
    assert answer.done
    assert [headers["anthropic-version"] for headers in strict_anthropic.headers] == [version]
    assert (strict_anthropic.bodies[0].get("temperature") == 0.3) == (not answer.notices)


def test_a_conversation_with_a_blank_answer_goes_on(egress: EgressDriver, cloud: Strict) -> None:
    turns = [
        Message("system", " "),
        Message("user", "one"),
        Message("assistant", "\n"),
        Message("user", "two"),
    ]
    answer = cloud.ask(egress, MODELS[cloud.api][0], turns, GenerationOptions(max_tokens=2))
    assert answer.text.split()[-1] in ("one", "two")
    assert len(cloud.bodies) == 1


@pytest.mark.parametrize("api", ["anthropic", "cohere"])
def test_a_blank_last_turn_is_refused_and_not_sent(egress: EgressDriver, api: Api) -> None:
    turns = [Message("user", "one"), Message("assistant", "two"), Message("user", " ")]
    with Strict(api) as cloud:
        assert cloud.ask(egress, MODELS[api][0], turns).failed.failure.code == Code.EMPTY_PROMPT
        assert not cloud.bodies


def test_what_is_out_of_range_is_the_nearest_that_is_taken_and_told(
    egress: EgressDriver, strict_openai: Strict
) -> None:
    options = GenerationOptions(temperature=3.0, presence_penalty=-9, logit_bias={1: 500.0})
    answer = strict_openai.ask(egress, "gpt-4o", [Message("user", "one")], options)
    assert answer.text
    (body,) = strict_openai.bodies
    assert (body["temperature"], body["presence_penalty"], body["logit_bias"]) == (2, -2, {"1": 100})
    ((_, told),) = answer.notices
    assert told == (
        "openai:gpt-4o: temperature 3.0 is lowered to 2, the most that is taken; "
        "presence_penalty -9.0 is raised to -2, the least that is taken; "
        "logit_bias is held between -100 and 100, the most that is taken"
    )


def test_what_cannot_be_brought_into_range_is_refused_in_its_own_words(
    egress: EgressDriver, strict_openai: Strict
) -> None:
    options = GenerationOptions(stop=list("abcde"))
    failure = strict_openai.ask(egress, "gpt-4o", [Message("user", "hi")], options).failed.failure
    assert failure.code == Code.PROVIDER_REFUSED
    assert "maximum length 4" in failure.detail
    assert len(strict_openai.bodies) == 1


def test_a_wrong_key_and_an_unknown_model_are_told_apart(egress: EgressDriver, cloud: Strict) -> None:
    hi = [Message("user", "hi")]
    assert cloud.ask(egress, "no-such-model", hi).failed.failure.code == Code.MODEL_NOT_FOUND
    stranger = Provider("nobody", cloud.api, cloud.base_url)
    failed = egress.ask(out.Complete(0, stranger, MODELS[cloud.api][0], hi)).failed
    assert failed.failure.code == Code.AUTH_FAILED
    listed = egress.ask(out.ListModels(0, Provider(cloud.api, cloud.api, cloud.base_url))).end
    assert isinstance(listed, out.ProviderModels)
    assert listed.names == MODELS[cloud.api]
