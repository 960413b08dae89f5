"""`supervisord.conf` with the real supervisord: it starts, comes back after a SIGKILL, stops clean."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from tests.process.answers import PROMPT
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, client_endpoint
from tests.process.supervised import gone, workers_in

ROOT = Path(__file__).parents[2]
CONF = ROOT / "supervisord.conf"
BIN = Path(sys.executable).parent
COME_BACK_SECONDS = 60.0


@pytest.fixture
def fresh(ai_pal_home: Path) -> Environ:
    """The environment of a user who has never run AI-PAL: nothing is there, HTTP is to be answered too."""
    http = {"AI_PAL_HTTP_START": "true", "AI_PAL_HTTP_LISTEN": "127.0.0.1:0"}
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(ai_pal_home), "AI_PAL_MODEL": "echo", **http}


@pytest.fixture
def supervisord(fresh: Environ) -> Iterator["subprocess.Popen[bytes]"]:
    """Started as README says."""
    [command] = re.findall(r"`([^`]*supervisord -n -c supervisord.conf)`", (ROOT / "README.md").read_text())
    shell = ["sh", "-c", command.replace("supervisord -n", "exec supervisord -n")]
    with subprocess.Popen(shell, env=fresh, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def control(fresh: Environ, *args: str) -> str:
    """The output of `supervisorctl ARGS`."""
    command: list[str | Path] = [BIN / "supervisorctl", "-c", CONF, *args]
    done = subprocess.run(command, env=fresh, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


def gateways(client: Client) -> list[int]:
    """The processes that answer over HTTP."""
    return [one.pid for one in client.status().gateways]


def connected(fresh: Environ) -> Client | None:
    try:
        return Client(client_endpoint(fresh))
    except AiPalError:
        return None


def test_it_runs_comes_back_and_stops(supervisord: "subprocess.Popen[bytes]", fresh: Environ) -> None:
    run_dir = Path(fresh["HOME"]) / ".ai-pal" / "run"
    eventually(lambda: "RUNNING" in control(fresh, "status", "ai-pal"), within=COME_BACK_SECONDS)
    with eventually(lambda: connected(fresh), within=COME_BACK_SECONDS) as client:
        first = client.welcome.pid
        assert client.ask(PROMPT).text == PROMPT + " "
        children = eventually(lambda: gateways(client), within=COME_BACK_SECONDS)
    workers = workers_in(run_dir)
    assert workers

    logs = subprocess.run(
        [sys.executable, "-m", "ai_pal", "logs"], env=fresh, capture_output=True, text=True, timeout=120
    )
    assert f"logs through supervisord to {run_dir.parent / 'supervise.log'}" in logs.stderr
    assert "supervisor_ready" in logs.stdout

    os.kill(first, signal.SIGKILL)
    eventually(lambda: all(map(gone, workers)), within=allowed(1.0))
    with eventually(lambda: connected(fresh), within=COME_BACK_SECONDS) as client:
        assert client.welcome.pid != first
        assert client.ask(PROMPT).text == PROMPT + " "
        eventually(lambda: all(map(gone, children)))
        children = eventually(lambda: gateways(client), within=COME_BACK_SECONDS)
    eventually(lambda: "RUNNING" in control(fresh, "status", "ai-pal"))

    assert "ai-pal: stopped" in control(fresh, "stop", "ai-pal")
    assert not workers_in(run_dir)
    assert all(map(gone, children))
    assert os.listdir(run_dir) == ["supervisor.lock"]
    log = (run_dir.parent / "supervise.log").read_text()
    assert '"event":"supervisor_stopped"' in log

    supervisord.terminate()
    assert supervisord.wait(60) == 0
