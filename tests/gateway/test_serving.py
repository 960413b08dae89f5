"""`ai-pal serve` as a process: where it listens, how it ends, and that it never asks itself."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateway import plain_http
from tests.process.eventually import eventually
from tests.process.homes import Environ, environment, listens, stop_supervisor
from tests.process.supervised import Supervised

END_SECONDS = 60.0
ASKED = [{"role": "user", "content": "x"}]
LONG = [{"role": "user", "content": "x " * 8_000}]


@pytest.fixture
def environ(ai_pal_home: Path) -> Iterator[Environ]:
    found = environment(ai_pal_home)
    yield found
    stop_supervisor(found)


@contextlib.contextmanager
def serving(environ: Environ, *flags: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-P", "-m", "ai_pal", "serve", *flags]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: "subprocess.Popen[str]") -> str:
    """What it says first; three lines, one for each protocol."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    assert [line.partition(":")[0] for line in lines] == ["OpenAI", "Anthropic", "Ollama"]
    found = re.search(r"http://[\d.]+:\d+", lines[2])
    assert found, lines
    return found[0]


@pytest.mark.parametrize(
    ("number", "model"), [(signal.SIGTERM, "echo?load_seconds=600"), (signal.SIGINT, "echo?pace=0.05")]
)
def test_an_open_stream_is_ended_in_words(environ: Environ, number: int, model: str) -> None:
    """While it waits, and while it is answered."""
    with serving(environ, "--port", "0") as process:
        url = address(process)
        body = {"model": model, "stream": True, "messages": LONG}
        with plain_http.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            process.send_signal(number)
            last = answer.read().decode().strip().split("\n\n")[-1]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "shutting_down"
        assert process.wait(END_SECONDS) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_socket_goes_with_its_server_and_a_dead_one_is_in_nobodys_way(
    environ: Environ, ai_pal_home: Path
) -> None:
    place = ai_pal_home / "http.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    with serving(environ, "--socket", str(place)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {place}\n"
        assert place.stat().st_mode & 0o777 == 0o600
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(place)), timeout=END_SECONDS) as client:
            eventually(lambda: client.get("http://localhost/ready").status_code == 200)
        with serving(environ, "--socket", str(place)) as other:
            assert other.wait(END_SECONDS) != 0
        process.terminate()
        assert process.wait(END_SECONDS) == 0
    assert not place.exists()


def test_looking_starts_no_supervisor(environ: Environ) -> None:
    with serving(environ, "--port", "0") as process:
        url = address(process)
        command = [sys.executable, "-P", "-m", "ai_pal", "stop", "--wait"]
        # Its parent lives on, and has not asked after it.
        subprocess.run(command, env=environ, check=True, timeout=END_SECONDS, capture_output=True)
        assert plain_http.get(f"{url}/health").status_code == 200
        eventually(lambda: plain_http.get(f"{url}/ready").status_code == 503)
        assert not listens(environ)
        # The next one is told, without being asked anything.
        with Supervised(environ) as daemon, daemon.client() as client:
            told = eventually(lambda: client.status().gateways)
            assert [(one.address, one.pid) for one in told] == [(url, process.pid)]


def test_it_never_asks_itself(environ: Environ) -> None:
    with serving(environ, "--port", "0") as process:
        url = address(process)
        body = {"model": "ollama:echo", "messages": ASKED}
        subprocess.run(
            [sys.executable, "-P", "-m", "ai_pal", "config", "set", "ollama.base_url", url],
            env=environ, check=True, timeout=END_SECONDS, capture_output=True,
        )  # fmt: skip
        answer = plain_http.post(f"{url}/v1/chat/completions", json=body)
        assert answer.status_code in (502, 503)
        assert "AI-PAL's own server" in answer.json()["error"]["message"]
        metrics = plain_http.get(f"{url}/metrics").text
        asked = re.findall(r"^\S*requests_total\{[^}]*\} (\d+)", metrics, re.MULTILINE)
        assert sum(map(int, asked)) < 20, metrics
