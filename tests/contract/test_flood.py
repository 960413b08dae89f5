"""A provider that writes faster than the supervisor reads waits, and no text is lost over it."""

import threading

import psutil

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Provider
from tests.egress_driver import EgressDriver
from tests.servers.loopback import Exchange, Loopback

LINE = b'{"message": {"content": "%s"}}\n'
WORDS = "0123456789" * 100
MEGABYTE = 1024 * 1024
LIMIT = 48 * MEGABYTE


class Flood:
    """An Ollama that says `WORDS` over and over, as fast as it is read."""

    def __init__(self) -> None:
        self.pieces = 0
        self._moved = threading.Event()

    async def answer(self, exchange: Exchange) -> None:
        await exchange.begin("application/x-ndjson")
        lines = LINE % WORDS.encode() * 20
        while True:
            await exchange.piece(lines)
            self.pieces += 20
            self._moved.set()

    def wait_until_it_waits(self) -> None:
        """Return when nothing was taken for a while. Fails when it takes too much for that."""
        assert self._moved.wait(60)
        while self._moved.wait(1.0):
            assert self.pieces * len(WORDS) < LIMIT
            self._moved.clear()


def test_a_flood_waits_for_the_supervisor(egress: EgressDriver) -> None:
    flood, process = Flood(), psutil.Process(egress.process.pid)
    with Loopback(flood.answer) as server:
        before = process.memory_info().rss
        provider = Provider("ollama", "ollama", server.url)
        key = egress.start(out.Complete(0, provider, "m", [Message("user", "hi")]))
        flood.wait_until_it_waits()
        assert process.memory_info().rss - before < LIMIT
        answer = egress.gather(key, until_text=True)
        while len(answer.text) < 8 * MEGABYTE:
            egress.wait_for(lambda message: isinstance(message, out.CompletionDelta))
        assert answer.text == (WORDS * (len(answer.text) // len(WORDS) + 1))[: len(answer.text)]
        egress.send(out.CancelCompletion(key))
        while not server.abandoned.acquire(blocking=False):
            egress.wait_for(lambda message: True)
