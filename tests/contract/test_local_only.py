"""What the egress process itself does with a local-only prompt: it asks Ollama where the model is computed
before it sends a word of it."""

from collections.abc import Iterator

import pytest

from ai_pal.errors import Code
from ai_pal.messages import egress as out
from ai_pal.messages.chat import Message
from tests.egress_driver import EgressDriver, egress_process
from tests.servers.loopback import Exchange, Loopback

LOCAL = {"details": {"format": "gguf", "family": "llama"}, "model_info": {}}
CANARY = "the-prompt-canary"


class FakeOllama:
    """Says of its model what it is told to say, and notes what it hears."""

    def __init__(self) -> None:
        self.shown: object = LOCAL
        self.heard = b""

    async def answer(self, exchange: Exchange) -> None:
        self.heard += exchange.body
        if exchange.path == "/api/show":
            await exchange.answer_json(200, self.shown)
        else:
            line = b'{"model": "m", "message": {"content": "yes"}, "done": true, "done_reason": "stop"}\n'
            await exchange.answer(200, line)


@pytest.fixture
def fake() -> FakeOllama:
    return FakeOllama()


@pytest.fixture
def server(fake: FakeOllama) -> Iterator[Loopback]:
    with Loopback(fake.answer) as server:
        yield server


def complete(api: out.Api, url: str, *, local_only: bool = True) -> out.Complete:
    provider = out.Provider(api, api, url)
    return out.Complete(0, provider, "m", [Message("user", CANARY)], local_only=local_only)


def test_a_model_that_is_stored_here_is_asked(
    egress: EgressDriver, fake: FakeOllama, server: Loopback
) -> None:
    assert egress.ask(complete("ollama", server.url)).text == "yes"


def test_localhost_is_this_machine(egress: EgressDriver, fake: FakeOllama, server: Loopback) -> None:
    assert egress.ask(complete("ollama", f"http://localhost:{server.port}")).text == "yes"


@pytest.mark.parametrize(
    "shown",
    [
        LOCAL | {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"},
        LOCAL | {"remote_model": "gpt-oss:120b"},
        {"details": {"format": ""}},
        {},
        {"error": "no"},
    ],
)
def test_a_model_of_its_cloud_is_not_asked(
    egress: EgressDriver, fake: FakeOllama, server: Loopback, shown: object
) -> None:
    fake.shown = shown
    failure = egress.ask(complete("ollama", server.url)).failed.failure
    assert (failure.code, failure.retryable) == (Code.LOCAL_ONLY, False)
    assert server.requests == [("POST", "/api/show")]
    assert CANARY.encode() not in fake.heard


def test_without_local_only_it_is_one_request(
    egress: EgressDriver, fake: FakeOllama, server: Loopback
) -> None:
    egress.ask(complete("ollama", server.url, local_only=False))
    assert server.requests == [("POST", "/api/chat")]


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_no_other_protocol_is_local(
    egress: EgressDriver, fake: FakeOllama, server: Loopback, api: out.Api
) -> None:
    assert egress.ask(complete(api, server.url)).failed.failure.code == Code.LOCAL_ONLY
    assert server.requests == []


def test_no_other_machine_is_local(egress: EgressDriver) -> None:
    failure = egress.ask(complete("ollama", "http://ollama.invalid:11434")).failed.failure
    assert failure.code == Code.LOCAL_ONLY


def test_loopback_is_asked_without_a_proxy(fake: FakeOllama, server: Loopback) -> None:
    with egress_process({"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}) as egress:
        assert egress.ask(complete("ollama", server.url, local_only=False)).text == "yes"
