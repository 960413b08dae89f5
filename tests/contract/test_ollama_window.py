"""Ollama keeps its own window: no reload between us and its other clients, and what it cuts is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import msgspec
import psutil
import pytest

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Provider
from tests.contract.providers import Find
from tests.egress_driver import EgressDriver
from tests.servers.loopback import Loopback
from tests.servers.ollama import MODEL, Ollama
from tests.servers.windowed_ollama import WindowedOllama


def conversation(url: str, words: int, **extra: object) -> out.Complete:
    provider = Provider("ollama", "ollama", url)
    turns = [Message("user", "word " * words)]
    return out.Complete(0, provider, "m", turns, GenerationOptions(max_tokens=8, extra=extra))


@contextmanager
def serving(fake: WindowedOllama) -> Iterator[Callable[..., out.Complete]]:
    """Requests of so many words for it."""
    with Loopback(fake.answer, shows=True) as server:
        yield lambda words, **extra: conversation(server.url, words, **extra)


def test_a_request_that_fits_asks_for_no_window(egress: EgressDriver) -> None:
    fake = WindowedOllama(own=6144)
    with serving(fake) as request:
        for _ in range(2):
            fake.load({})  # another client
            assert egress.ask(request(100)).notices == []
    assert fake.loads == [6144]
    assert all("num_ctx" not in options for options in fake.asked)


@pytest.mark.parametrize("words", [100, 6000])
def test_the_servers_own_window_stays(egress: EgressDriver, words: int) -> None:
    fake = WindowedOllama(default=16_384)
    with serving(fake) as request:
        assert egress.ask(request(words)).done.usage.prompt_tokens == words
        fake.load({})
        egress.ask(request(words))
    assert fake.loads == [16_384]


def test_a_window_that_another_client_asked_for_stays(egress: EgressDriver) -> None:
    fake = WindowedOllama()
    with serving(fake) as request:
        for _ in range(2):
            fake.load({"num_ctx": 16_384})
            egress.ask(request(100))
    assert fake.loads == [16_384]


def test_a_conversation_that_does_not_fit_gets_a_larger_window_and_keeps_it(egress: EgressDriver) -> None:
    fake = WindowedOllama(own=2048)
    with serving(fake) as request:
        for words in (100, 3000, 100):
            assert egress.ask(request(words)).done.usage.prompt_tokens == words
    assert fake.loads == [2048, 8192]


def test_an_older_server_that_does_not_tell_its_window_is_asked_for_what_is_needed(
    egress: EgressDriver,
) -> None:
    fake = WindowedOllama(tells=False)
    with serving(fake) as request:
        for words in (100, 3000):
            assert egress.ask(request(words)).done.usage.prompt_tokens == words
    assert fake.loads == [4096, 8192]


def test_the_users_num_ctx_is_asked_for_and_nothing_else(egress: EgressDriver) -> None:
    fake = WindowedOllama(own=6144)
    with serving(fake) as request:
        egress.ask(request(100, num_ctx=1024))
    assert fake.loads == [1024]
    assert "/api/ps" not in fake.heard


def test_a_prompt_that_ollama_cut_is_told(egress: EgressDriver) -> None:
    fake = WindowedOllama(own=2048, most=4096)
    with serving(fake) as request:
        answer = egress.ask(request(9000))
    assert fake.loads == [4096]
    told = "the oldest turns no longer fit the window: ollama read 4096 tokens of about 11250"
    assert answer.notices == [("trimmed", told)]


def test_a_real_server_loads_once_for_two_clients(
    egress: EgressDriver, find: Find, ollama_server: Ollama
) -> None:
    def runners() -> set[int]:
        return {p.pid for p in psutil.Process(ollama_server.pid).children(recursive=True)}

    ours = msgspec.structs.replace(find("ollama").complete("hi", tokens=2), first_token=120.0)
    seen: set[int] = set()
    for _ in range(2):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": False}
        body["options"] = {"num_predict": 2}
        httpx2.post(f"{ollama_server.url}/api/chat", json=body, timeout=240, trust_env=False)
        seen |= runners()
        assert egress.ask(ours, 240).done
        seen |= runners()
    assert len(seen) == 1


def test_what_a_real_server_cuts_is_told(egress: EgressDriver, find: Find) -> None:
    asked = find("ollama").complete("Count from one to ten. " * 20)
    small = msgspec.structs.replace(asked.options, extra={"num_ctx": 64})
    answer = egress.ask(msgspec.structs.replace(asked, options=small, first_token=120.0), 240)
    [(kind, reason)] = answer.notices
    assert kind == "trimmed"
    assert "ollama read 64 tokens of about" in reason


def test_its_models_are_described_where_that_is_asked_for(egress: EgressDriver, ollama_url: str) -> None:
    provider = Provider("ollama", "ollama", ollama_url)
    plain = egress.ask(out.ListModels(0, provider)).end
    described = egress.ask(out.ListModels(0, provider, describe=True)).end
    assert isinstance(plain, out.ProviderModels)
    assert isinstance(described, out.ProviderModels)
    assert (plain.about, set(described.about)) == ({}, set(plain.names))
    about = described.about[f"{MODEL}:latest"]
    assert (about.format, about.architecture, about.capabilities) == ("gguf", "llama", ["completion"])
    assert about.parameters > 0
    assert 0 < about.window <= 32_768
