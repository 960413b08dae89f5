"""Every provider adapter against its real counterpart: a real egress process, real SDKs, real sockets.

Ollama is a real one, OpenAI's and Anthropic's APIs are llama.cpp's, Cohere's is a server written to its
reference.
"""

import pytest
from msgspec.structs import replace

from ai_pal.config.provider_access import key_hint
from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import CONTINUES, Api, Provider
from tests.contract.providers import APIS, TOKENS, Counterpart, Find, scripted
from tests.egress_driver import EgressDriver
from tests.servers import faults
from tests.servers.faults import FaultProxy, Forward
from tests.servers.loopback import Exchange, Handle, Loopback

pytestmark = [pytest.mark.real_model]


def _plain(complete: out.Complete) -> out.Complete:
    """Without the system message that the model's template would insert."""
    return replace(complete, messages=[Message("system", ""), *complete.messages])


@pytest.fixture(params=APIS)
def counterpart(request: pytest.FixtureRequest, find: Find) -> Counterpart:
    return find(request.param)


def test_an_answer_is_streamed_in_pieces_with_its_figures(
    egress: EgressDriver, counterpart: Counterpart
) -> None:
    answer = egress.ask(counterpart.complete())
    assert answer.connected
    assert answer.pieces > 1
    assert answer.done.finish_reason == "length"
    assert answer.done.usage.completion_tokens == TOKENS
    assert answer.done.usage.prompt_tokens >= 5
    assert answer.done.model


def test_an_answer_that_ends_by_itself_says_so(egress: EgressDriver, find: Find) -> None:
    answer = egress.ask(_plain(find("openai").complete("What is the capital of France?", tokens=60)))
    assert answer.done.finish_reason == "stop"
    assert "Paris" in answer.text


def test_stop_texts_are_passed_on(egress: EgressDriver, find: Find) -> None:
    complete = _plain(find("openai").complete("What is the capital of France?"))
    options = replace(complete.options, stop=["France"])
    assert egress.ask(replace(complete, options=options)).text == "The capital of "


def test_two_answers_run_at_once(egress: EgressDriver, find: Find) -> None:
    first = egress.start(find("cohere").complete("a b c", tokens=200))
    second = egress.ask(find("openai").complete())
    assert second.done.finish_reason == "length"
    assert egress.gather(first).text.split() == ["a", "b", "c"] * 66 + ["a", "b"]


def test_a_cancel_closes_the_connection(egress: EgressDriver, counterpart: Counterpart) -> None:
    with FaultProxy(counterpart.api, counterpart.url) as proxy:
        proxy.fault = faults.inside(faults.hang)
        key = egress.start(counterpart.complete(url=proxy.url, tokens=2000))
        assert egress.gather(key, until_text=True).text
        egress.send(out.CancelCompletion(key))
        assert proxy.abandoned.acquire(timeout=60)


def test_a_cancel_before_the_answer_begins_closes_the_connection(
    egress: EgressDriver, counterpart: Counterpart
) -> None:
    with FaultProxy(counterpart.api) as proxy:
        proxy.fault = faults.stall_before
        key = egress.start(counterpart.complete(url=proxy.url))
        egress.wait_for(lambda message: message == out.CompletionConnected(key))
        egress.send(out.CancelCompletion(key))
        assert proxy.abandoned.acquire(timeout=60)


def test_the_models_of_a_provider_are_listed(egress: EgressDriver, counterpart: Counterpart) -> None:
    end = egress.ask(out.ListModels(0, counterpart.provider())).end
    assert isinstance(end, out.ProviderModels), end
    assert any(counterpart.model in name.lower() for name in end.names)


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_a_wrong_key_is_not_accepted(egress: EgressDriver, find: Find, api: Api) -> None:
    failure = egress.ask(find(api).complete(name="nobody")).failed.failure
    assert (failure.code, failure.retryable) == (Code.AUTH_FAILED, False)


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_without_a_key_the_provider_itself_is_not_asked(egress: EgressDriver, find: Find, api: Api) -> None:
    provider = Provider("nobody", api)
    failure = egress.ask(out.Complete(0, provider, "m", [Message("user", "hi")])).failed.failure
    assert (failure.code, failure.retryable) == (Code.NO_KEY, False)
    assert failure.hint == key_hint("nobody")


def test_a_model_that_ollama_has_not_pulled_is_not_here(egress: EgressDriver, find: Find) -> None:
    failure = egress.ask(find("ollama").complete(model="phi")).failed.failure
    assert (failure.code, failure.retryable) == (Code.MODEL_NOT_HERE, False)
    assert failure.hint == "ollama pull phi"


def test_a_model_that_cohere_does_not_have_is_not_found(egress: EgressDriver, find: Find) -> None:
    failure = egress.ask(find("cohere").complete(model="gone")).failed.failure
    assert (failure.code, failure.retryable) == (Code.MODEL_NOT_FOUND, False)


def test_a_model_that_is_retired_is_told_with_those_that_are_nearest(egress: EgressDriver) -> None:
    def lists(*names: str) -> Handle:
        async def answer(exchange: Exchange) -> None:
            if exchange.method == "POST":
                await exchange.answer_json(404, {"error": {"message": "no", "code": "model_not_found"}})
            elif names:
                data = [{"id": name, "object": "model"} for name in names]
                await exchange.answer_json(200, {"object": "list", "data": data})
            else:
                await exchange.answer_json(500, {"error": {"message": "no list either"}})

        return answer

    def hint(*names: str) -> str:
        with Loopback(lists(*names)) as server:
            asked = scripted("openai", server.url).complete(model="gpt-3.5-turbo")
            failure = egress.ask(asked).failed.failure
            assert failure.code == Code.MODEL_NOT_FOUND
            assert [method for method, _ in server.requests] == ["POST", "GET"]
        return failure.hint

    near = "the nearest that it has: gpt-6-luna, gpt-4o-mini, gpt-4-turbo; "
    assert hint("whisper-1", "gpt-4-turbo", "gpt-4o-mini", "gpt-6-luna").startswith(near)
    for names in ((), ("whisper-1",), ("gpt-3.5-turbo",)):
        assert "nearest" not in hint(*names)


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_prompt_over_the_window_is_too_large(egress: EgressDriver, find: Find, api: Api) -> None:
    failure = egress.ask(find(api).complete("word " * 3000)).failed.failure
    assert (failure.code, failure.retryable) == (Code.PROMPT_TOO_LARGE, False)


@pytest.mark.parametrize("api", sorted(CONTINUES))
def test_the_beginning_of_an_answer_is_continued(egress: EgressDriver, find: Find, api: Api) -> None:
    complete = find(api).complete("What is the capital of France?", tokens=5)
    begun = [*complete.messages, Message("assistant", "The capital of France is Par")]
    assert egress.ask(replace(complete, messages=begun)).text.startswith("is")


def test_a_beginning_that_ends_in_a_blank_is_continued_without_a_second_one(
    egress: EgressDriver, find: Find
) -> None:
    complete = find("anthropic").complete("What is the capital of France?", tokens=5)
    begun = [*complete.messages, Message("assistant", "The capital of France is ")]
    assert egress.ask(replace(complete, messages=begun)).text.startswith("Paris")


def test_an_option_that_ollama_does_not_know_is_told(egress: EgressDriver, find: Find) -> None:
    complete = find("ollama").complete()
    options = replace(complete.options, extra={"top_k": 5, "safety_mode": "OFF"}, stop=[""])
    answer = egress.ask(replace(complete, options=options))
    assert answer.text
    name = f"ollama:{complete.model}"
    assert answer.notices == [("options", f"{name}: safety_mode OFF is left out, it is not known there")]


def test_keep_alive_reaches_ollama(egress: EgressDriver, find: Find) -> None:
    with FaultProxy("ollama", find("ollama").url) as proxy:
        bodies: list[bytes] = []

        async def noting(api: Api, exchange: Exchange, forward: Forward) -> None:
            bodies.append(exchange.body)
            await faults.passed(api, exchange, forward)

        proxy.fault = noting
        egress.ask(find("ollama").complete(url=proxy.url, keep_alive=90.0))
    assert b'"keep_alive":90.0' in bodies[0].replace(b" ", b"")


def test_a_local_only_prompt_is_answered_by_ollama_here(egress: EgressDriver, find: Find) -> None:
    with FaultProxy("ollama", find("ollama").url, shows=True) as proxy:
        answer = egress.ask(find("ollama").complete(url=proxy.url, local_only=True))
    assert answer.done
    assert [path for _, path in proxy.requests] == ["/api/show", "/api/ps", "/api/chat"]
