"""Who leaves has its work stopped, on each door, while a model is loaded and while it computes."""

import json
import socket
from urllib.parse import urlsplit

import psutil
import pytest

from ai_pal.client import Client
from tests.process.eventually import allowed, eventually

ASKED = [{"role": "user", "content": "Tell me a long story."}]
LOADS = "echo?load_seconds=600"
BODIES: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": ASKED},
    "/v1/completions": {"prompt": "Once"},
    "/v1/responses": {"input": "Once"},
    "/v1/messages": {"max_tokens": 9, "messages": ASKED},
    "/api/chat": {"messages": ASKED},
    "/api/generate": {"prompt": "Once"},
}
ENDLESS = {
    "model": "smollm2",
    "messages": ASKED,
    "max_tokens": 7000,
    "logit_bias": {"0": -100.0, "2": -100.0},
    "temperature": 2.0,
    "seed": 7,
}
"""Without the starter's end marks, and so hot that it does not go round, which would end it: longer than any
machine is given to stop it."""


def ask(gateway: str, path: str, body: dict[str, object]) -> socket.socket:
    where = urlsplit(gateway)
    assert where.hostname is not None
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection((where.hostname, where.port or 0), timeout=60)
    connection.sendall(head.encode() + f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return connection


def wanted(supervisor: Client, model: str) -> int:
    """How many requests wait for this model or are computed by it."""
    of_model = [one for one in supervisor.status().workers if one.model == model]
    return sum(one.active + one.queued for one in of_model)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", BODIES)
def test_nobody_waits_for_a_load_any_more(gateway: str, supervisor: Client, path: str, stream: bool) -> None:
    with ask(gateway, path, {"model": LOADS, "stream": stream, **BODIES[path]}):
        eventually(lambda: wanted(supervisor, LOADS) == 1)
    eventually(lambda: wanted(supervisor, LOADS) == 0, within=allowed(2.0))


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("stream", [True, False])
def test_the_computing_stops(gateway: str, supervisor: Client, stream: bool, n: int) -> None:
    with ask(gateway, "/v1/chat/completions", {**ENDLESS, "stream": stream, "n": n}) as connection:
        if stream:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        eventually(lambda: wanted(supervisor, "smollm2") == n)
    eventually(lambda: wanted(supervisor, "smollm2") == 0, within=allowed(2.0))


@pytest.mark.parametrize(
    ("path", "stream"), [("/v1/chat/completions", True), ("/v1/messages", False), ("/api/generate", False)]
)
def test_a_prompt_is_read_no_further(gateway: str, supervisor: Client, path: str, stream: bool) -> None:
    """Seen at the worker: all of it would take some five seconds of a processor, a step takes half of one."""
    list(supervisor.load("smollm2"))
    [worker] = [one for one in supervisor.status().workers if one.model == "smollm2" and not one.vocabulary]
    process = psutil.Process(worker.pid)

    def spent() -> float:
        return sum(process.cpu_times()[:2])

    prompt = f"{path} " + "word " * 7_000
    said = (
        {"prompt": prompt} if path == "/api/generate" else {"messages": [{"role": "user", "content": prompt}]}
    )
    before = spent()
    with ask(gateway, path, {"model": "smollm2", "max_tokens": 9, "stream": stream, **said}):
        eventually(lambda: spent() - before > 0.3)
    left_at = spent()
    eventually(lambda: wanted(supervisor, "smollm2") == 0, within=allowed(10.0))
    answer = supervisor.ask("hi", model="smollm2", max_tokens=2)
    assert answer.usage.completion_tokens == 2
    assert spent() - left_at < 3.0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "Once"}),
        ("/v1/rerank", {"query": "Once", "documents": ["a", "b"]}),
        ("/api/embed", {"input": "Once"}),
    ],
)
def test_nobody_waits_for_vectors_any_more(
    gateway: str, supervisor: Client, path: str, body: dict[str, object]
) -> None:
    with ask(gateway, path, {"model": LOADS, **body}):
        eventually(lambda: wanted(supervisor, LOADS) == 1)
    eventually(lambda: wanted(supervisor, LOADS) == 0, within=allowed(2.0))


@pytest.mark.parametrize("stream", [True, False])
def test_nobody_waits_in_a_queue_any_more(gateway: str, supervisor: Client, stream: bool) -> None:
    model = "echo?id=queue&pace=0.05&slots=1"
    body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": "word " * 4_000}]}
    with ask(gateway, "/api/chat", body) as computed:
        assert computed.recv(100)
        with ask(gateway, "/v1/chat/completions", {**body, "stream": stream}):
            eventually(lambda: wanted(supervisor, model) == 2)
        eventually(lambda: wanted(supervisor, model) == 1, within=allowed(2.0))
    eventually(lambda: wanted(supervisor, model) == 0, within=allowed(2.0))
