"""Several processes at one port: what one keeps the others have, what they count is counted together."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import Client
from tests.gateway import plain_http
from tests.gateway.test_serving import END_SECONDS, address, serving
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor
from tests.process.supervised import Supervised, gone

COUNT = 2
ASKS = 16
"""Connections after which each of two processes has had one, but for one time in 30,000."""


@pytest.fixture
def environ(ai_pal_home: Path) -> Iterator[Environ]:
    found = environment(ai_pal_home)
    yield found
    stop_supervisor(found)


def pids(environ: Environ) -> set[int]:
    with Client(client_endpoint(environ)) as client:
        found = client.status().gateways
    assert len({one.address for one in found}) <= 1
    return {one.pid for one in found}


def counted(url: str) -> int:
    """The requests at OpenAI's door, as whichever process it asks tells."""
    page = plain_http.get(f"{url}/metrics").text
    return sum(map(int, re.findall(r'^ai_pal_requests_total\{.*?"openai".*?\} (\d+)', page, re.MULTILINE)))


def test_what_one_keeps_and_counts_the_others_have(environ: Environ) -> None:
    with serving(environ, "--port", "0", "--workers", str(COUNT)) as process:
        url = address(process)
        eventually(lambda: len(pids(environ)) == COUNT)
        told = {"model": "echo", "input": "one two"}
        kept = [plain_http.post(f"{url}/v1/responses", json=told).json()["id"] for _ in range(ASKS)]
        for name in kept:  # each over a connection of its own: any process may have it
            assert plain_http.get(f"{url}/v1/responses/{name}").status_code == 200
        again = {**told, "previous_response_id": kept[0]}
        assert plain_http.post(f"{url}/v1/responses", json=again).status_code == 200
        eventually(lambda: counted(url) == 2 * ASKS + 1)  # it is counted after the answer

        slow = {**told, "model": "echo?load_seconds=600", "background": True}
        begun = plain_http.post(f"{url}/v1/responses", json=slow).json()["id"]
        for _ in range(ASKS):
            now = plain_http.get(f"{url}/v1/responses/{begun}").json()
            assert now["status"] in ("queued", "in_progress"), now
        stopped = plain_http.post(f"{url}/v1/responses/{begun}/cancel").json()
        assert stopped["status"] == "cancelled"
        for _ in range(ASKS):
            assert plain_http.get(f"{url}/v1/responses/{begun}").json() == stopped


def test_who_dies_or_hangs_is_replaced(environ: Environ) -> None:
    with serving(environ | {"AI_PAL_BEAT_TIMEOUT": "10s"}, "--port", "0", "--workers", str(COUNT)) as process:
        url = address(process)
        eventually(lambda: len(pids(environ)) == COUNT)
        before = pids(environ)
        victim, hangs = sorted(before)
        os.kill(victim, signal.SIGKILL)
        os.kill(hangs, signal.SIGSTOP)
        eventually(lambda: len(pids(environ) - before) == COUNT)
        assert plain_http.get(f"{url}/health").status_code == 200

        children = pids(environ)
        process.terminate()
        assert process.wait(END_SECONDS) == 0
        assert all(map(gone, children))


def test_a_supervisor_keeps_several_and_what_was_kept_is_there_after_a_restart(environ: Environ) -> None:
    settings: Any = {"http_start": "true", "http_listen": "127.0.0.1:0", "http_workers": COUNT}
    with Supervised(environ, **settings) as daemon:
        eventually(lambda: len(pids(environ)) == COUNT)
        with daemon.client() as client:
            url = client.status().gateways[0].address
        told = {"model": "echo", "input": "one two"}
        name = plain_http.post(f"{url}/v1/responses", json=told).json()["id"]
        assert daemon.terminate(END_SECONDS) == 0
        assert daemon.nothing_is_left()
    with Supervised(environ, **settings) as daemon:
        eventually(lambda: pids(environ))
        with daemon.client() as client:
            url = client.status().gateways[0].address
        assert plain_http.get(f"{url}/v1/responses/{name}").json()["id"] == name


def test_a_unix_socket_has_one_process(environ: Environ, ai_pal_home: Path) -> None:
    with serving(environ, "--socket", str(ai_pal_home / "x.sock"), "--workers", "2") as process:
        assert process.wait(END_SECONDS) == 2
        assert process.stderr is not None
        assert "a Unix socket has one process" in process.stderr.read()
