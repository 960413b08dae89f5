"""`ai-pal supervise` with a gateway of its own: it comes back, takes nobody along, and never stays behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ai_pal.protocol.client import Gateway
from tests.gateway import plain_http
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, environment, listens
from tests.process.supervised import Supervised, gone

ASKED = [{"role": "user", "content": "a few words " * 20}]
SLOW = "echo?load_seconds=600"
BACK_SECONDS = 60.0
END_SECONDS = 5.0
"""Of what a gateway has to say when its supervisor is gone."""


@pytest.fixture
def environ(ai_pal_home: Path) -> Environ:
    return environment(ai_pal_home)


@pytest.fixture
def daemon(environ: Environ) -> Iterator[Supervised]:
    with Supervised(environ, http_start="true", http_listen="127.0.0.1:0") as daemon:
        yield daemon


def gateway_of(daemon: Supervised, other_than: int = 0) -> Gateway:
    """The one that it has, once it answers."""

    def found() -> Gateway | None:
        with daemon.client() as client:
            return next((one for one in client.status().gateways if one.pid != other_than), None)

    return eventually(found, within=BACK_SECONDS)


def test_a_gateway_that_is_killed_comes_back_and_takes_no_terminals_answer_along(daemon: Supervised) -> None:
    first = gateway_of(daemon)
    long = [{"role": "user", "content": "a few words " * 2_000}]
    body = {"model": "echo?pace=0.05", "stream": True, "messages": long}
    with daemon.client() as terminal, httpx2.Client(timeout=60) as http:
        answer = terminal.chat("one two three", model="echo?load_seconds=1")
        with http.stream("POST", f"{first.address}/v1/chat/completions", json=body) as cut:
            assert cut.status_code == 200
            os.kill(first.pid, signal.SIGKILL)
            with pytest.raises(httpx2.HTTPError):
                cut.read()
        assert answer.answer().text == "one two three "
    second = gateway_of(daemon, other_than=first.pid)
    assert second.address == first.address
    assert plain_http.get(f"{second.address}/ready").status_code == 200
    assert daemon.logged("gateway_exited", planned=False, signal=9)
    assert daemon.terminate(60.0) == 0
    assert gone(second.pid)
    assert daemon.nothing_is_left()


def test_a_gateway_that_hangs_is_replaced(environ: Environ) -> None:
    with Supervised(environ, http_start="true", http_listen="127.0.0.1:0", beat_timeout="8s") as daemon:
        first = gateway_of(daemon)
        assert plain_http.get(f"{first.address}/ready").status_code == 200
        os.kill(first.pid, signal.SIGSTOP)
        second = gateway_of(daemon, other_than=first.pid)
        assert gone(first.pid)
        assert plain_http.get(f"{second.address}/ready").status_code == 200
        assert daemon.logged("gateway_hung", pid=first.pid)
        assert daemon.terminate(60.0) == 0


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/v1/chat/completions", {"messages": ASKED}, lambda last: last["error"]["code"]),
        ("/v1/messages", {"max_tokens": 9, "messages": ASKED}, lambda last: last["error"]["type"]),
        ("/api/chat", {"messages": ASKED}, lambda last: last["error"]),
    ],
)
def test_a_supervisor_that_is_killed_leaves_open_streams_their_ends_and_no_gateway(
    daemon: Supervised, path: str, body: dict[str, object], error: object
) -> None:
    found = gateway_of(daemon)
    asked = {"model": SLOW, "stream": True, **body}
    with plain_http.stream("POST", f"{found.address}{path}", json=asked) as answer:
        assert answer.status_code == 200
        daemon.process.kill()
        last = answer.read().decode().strip().rpartition("\n")[2]
    assert callable(error)
    assert error(json.loads(last.removeprefix("data: ")))
    eventually(lambda: gone(found.pid), within=allowed(END_SECONDS))


def test_a_port_that_is_taken_is_said_at_once_and_what_runs_stays(environ: Environ) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for address, says in (
            (f"127.0.0.1:{port}", "Address already in use"),
            ("127.0.0.1", "is no place"),
            ("example.org:80", "is no address"),
        ):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "ai_pal", "supervise", "--http", address],
                env=environ, capture_output=True, text=True, timeout=BACK_SECONDS, cwd="/",
            )  # fmt: skip
            assert done.returncode == 2, done.stderr
            assert says in done.stderr
            assert "hint: " in done.stderr
    assert not listens(environ)
