"""How fast a gateway starts, what it holds while idle, and how long it is at a large prompt."""

from collections.abc import Iterator

from ai_pal.client import Client
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from scripts.benchmarks.figures import Row, alternate, row
from scripts.benchmarks.gateways import Gateway, gateway
from scripts.benchmarks.sse_client import ask, chat_body
from scripts.benchmarks.supervisors import supervisor
from scripts.benchmarks.tiers import first_text

LARGE = 50_000
"""Tokens of a prompt; one is a word to the echo."""


def start(pairs: int) -> Iterator[Row]:
    """Before a supervisor that runs."""
    seconds, resident, own = [], [], []
    with supervisor() as running:
        for _ in range(max(3, pairs // 2)):
            with gateway(running) as server:
                seconds.append(server.ready_seconds)
                ask(server.url, [chat_body("echo", "word")])
                resident.append(server.memory() / 1e6)
                own.append(server.proportional_memory() / 1e6)
    yield row("ai-pal serve: until it answers", seconds, "s")
    yield row("  idle memory after a request", resident, "MB")
    yield row("  what is shared shared out", own, "MB")


def large_prompt(pairs: int) -> Iterator[Row]:
    """The same prompt to the echo, over HTTP and by the protocol of the supervisor, in turn."""
    text = "word " * LARGE
    body = chat_body("echo", text, 1)
    with supervisor() as running, gateway(running) as server, running.client() as client:
        _over_http(server, body), _directly(client, text)
        before = server.cpu()
        over, directly = alternate(
            max(5, pairs), lambda _: _over_http(server, body), lambda _: _directly(client, text)
        )
        spent = (server.cpu() - before) / len(over)
    more = [1e3 * (one - other) for one, other in zip(over, directly, strict=True)]
    note = f"{len(body) / 1e3:.0f} kB; {1e3 * spent:.1f} ms of the gateway's CPU"
    yield row(f"first text of a prompt of {LARGE:,} tokens: HTTP adds", more, "ms", note=note)


def _over_http(server: Gateway, body: bytes) -> float:
    return ask(server.url, [body]).firsts[0]


def _directly(client: Client, text: str) -> float:
    return first_text(client, "echo", [Message("user", text)], GenerationOptions(max_tokens=1))
