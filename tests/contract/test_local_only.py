"""What the egress process itself does with a local-only prompt: it asks Ollama where the model is computed
before it sends a word of it."""

from collections.abc import Iterator

import msgspec
import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Api, Provider
from tests.egress_driver import EgressDriver, egress_process
from tests.servers import faults
from tests.servers.faults import Fault, FaultProxy
from tests.servers.loopback import STORED_HERE as LOCAL
from tests.servers.loopback import Exchange, Loopback

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
    with Loopback(fake.answer, shows=True) as server:
        yield server


def complete(api: Api, url: str, *, local_only: bool = True) -> out.Complete:
    provider = Provider(api, api, url)
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


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.status(404, {"error": "model 'm' not found"}), Code.MODEL_NOT_HERE),
        (faults.status(500, {"error": "no"}), Code.PROVIDER_ERROR),
        (faults.ok(b"<html>Sign in</html>", {}), Code.LOCAL_ONLY),
        (faults.stall_before, Code.CONNECT_TIMEOUT),
    ],
)
def test_local_only_without_its_word_nothing_is_sent(egress: EgressDriver, fault: Fault, code: Code) -> None:
    with FaultProxy("ollama", shows=True) as proxy:
        proxy.fault = fault
        failure = egress.ask(
            msgspec.structs.replace(complete("ollama", proxy.url), connect=1.5)
        ).failed.failure
        assert failure.code == code
        assert proxy.requests == [("POST", "/api/show")]


@pytest.mark.parametrize(
    "odd", [{}, {"details": None}, {"details": {"format": None}}, {"remote_model": None}, {"details": "gguf"}]
)
def test_without_local_only_too_a_model_of_its_cloud_is_not_asked(
    egress: EgressDriver, fake: FakeOllama, server: Loopback, odd: dict[str, object]
) -> None:
    fake.shown = LOCAL | {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"} | odd
    failure = egress.ask(complete("ollama", server.url, local_only=False)).failed.failure
    assert (failure.code, failure.retryable) == (Code.NO_CONSENT, False)
    assert "https://ollama.com:443" in failure.message
    assert server.requests == [("POST", "/api/show")]
    assert CANARY.encode() not in fake.heard


def test_a_name_that_says_so_is_asked_at_once(
    egress: EgressDriver, fake: FakeOllama, server: Loopback
) -> None:
    there = msgspec.structs.replace(complete("ollama", server.url, local_only=False), model="m:120b-cloud")
    assert egress.ask(there).text == "yes"
    assert server.requests == [("POST", "/api/chat")]


@pytest.mark.parametrize("shown", [{}, {"details": {"format": ""}}])
def test_what_it_does_not_say_is_no_reason_without_local_only(
    egress: EgressDriver, fake: FakeOllama, server: Loopback, shown: object
) -> None:
    fake.shown = shown
    assert egress.ask(complete("ollama", server.url, local_only=False)).text == "yes"


@pytest.mark.parametrize("api", ["openai", "anthropic", "cohere"])
def test_no_other_protocol_is_local(
    egress: EgressDriver, fake: FakeOllama, server: Loopback, api: Api
) -> None:
    assert egress.ask(complete(api, server.url)).failed.failure.code == Code.LOCAL_ONLY
    assert server.requests == []


def test_no_other_machine_is_local(egress: EgressDriver) -> None:
    failure = egress.ask(complete("ollama", "http://ollama.invalid:11434")).failed.failure
    assert failure.code == Code.LOCAL_ONLY


def test_loopback_is_asked_without_a_proxy(fake: FakeOllama, server: Loopback) -> None:
    with egress_process({"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}) as egress:
        assert egress.ask(complete("ollama", server.url, local_only=False)).text == "yes"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.stall_before, Code.CONNECT_TIMEOUT),
        (faults.reset_before, Code.PROVIDER_UNREACHABLE),
        (faults.flood, Code.PROVIDER_UNREACHABLE),
    ],
)
def test_without_its_word_nothing_is_sent(egress: EgressDriver, fault: Fault, code: Code) -> None:
    with FaultProxy("ollama", shows=True) as proxy:
        proxy.fault = fault
        asked = complete("ollama", proxy.url, local_only=False)
        failure = egress.ask(msgspec.structs.replace(asked, connect=1.5)).failed.failure
        assert failure.code == code
        assert proxy.requests == [("POST", "/api/show")]
