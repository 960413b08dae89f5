"""An Ollama that loads its model for longer than the first token may take, with nobody behind it."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from ai_pal.client import Client
from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from tests.process.eventually import busy
from tests.process.supervised import Supervised
from tests.servers.loopback import Exchange, Loopback

SECONDS = 60
pytestmark = pytest.mark.timeout(180)


class LoadingOllama:
    """Answers when it was asked `looks` times whether it lives."""

    def __init__(self) -> None:
        self.looks, self.looked = 3, 0  # with the last of them the answer comes
        self._loaded = asyncio.Event()

    async def handle(self, exchange: Exchange) -> None:
        if exchange.method == "HEAD":
            self.looked += 1
            if self.looked >= self.looks:
                self._loaded.set()
            await exchange.answer(200, b"")
            return
        await self._loaded.wait()
        line = b'{"model": "m", "message": {"content": "yes"}, "done": true, "done_reason": "stop"}\n'
        await exchange.answer(200, line)


@pytest.fixture
def ollama() -> LoadingOllama:
    return LoadingOllama()


@pytest.fixture
def server(ollama: LoadingOllama) -> Iterator[Loopback]:
    with Loopback(ollama.handle) as server:
        yield server


@pytest.fixture
def client(server: Loopback, supervise: Callable[..., Supervised]) -> Iterator[Client]:
    running = supervise(ollama_base_url=server.url, first_token_timeout="1s")
    with Client(running.endpoint) as client:
        yield client


def test_it_is_waited_for_and_that_is_seen(client: Client) -> None:
    events = list(client.chat("hello", model="ollama:m"))
    waiting = [event.reason for event in events if isinstance(event, wire.Loading)]
    assert len(waiting) >= 2
    assert waiting[0].startswith("ollama loads the model or reads the prompt, for ")
    assert isinstance(events[-1], wire.Done)


def test_the_waiting_can_be_cancelled(client: Client, ollama: LoadingOllama, server: Loopback) -> None:
    ollama.looks = 1_000_000
    stream = client.chat("hello", model="ollama:m")
    events = iter(stream)
    while not isinstance(next(events), wire.Loading):
        pass
    stream.cancel()
    *_, last = events
    assert isinstance(last, wire.Cancelled)
    assert server.abandoned.acquire(timeout=SECONDS)


def test_a_deadline_ends_the_waiting(client: Client, ollama: LoadingOllama, server: Loopback) -> None:
    ollama.looks = 1_000_000
    *_, last = client.chat("hello", model="ollama:m", deadline=4.0 * busy())
    assert isinstance(last, wire.Failed)
    assert last.reasons[-1].code == Code.DEADLINE_EXCEEDED
    assert server.abandoned.acquire(timeout=SECONDS)
