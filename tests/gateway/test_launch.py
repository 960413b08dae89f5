"""`ai-pal launch` with a stand-in for the agent: what it is given, which server it asks, how all ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai_pal.client import Client
from tests.gateway.conftest import Served
from tests.process.homes import Environ, client_endpoint, environment, stop_supervisor

SECONDS = 240
STAND_IN = """#!{python}
import json, os, sys, urllib.request
given = {{"arguments": sys.argv[1:], "environment": dict(os.environ)}}
if "--config" in sys.argv:
    given["config"] = open(sys.argv[sys.argv.index("--config") + 1]).read()
base = os.environ.get("ANTHROPIC_BASE_URL")
if base:
    given["health"] = urllib.request.urlopen(base + "/health").status
    print(json.dumps(given))
    sys.exit(7)
print(json.dumps(given))
"""


@pytest.fixture
def environ(ai_pal_home: Path) -> Iterator[Environ]:
    """With stand-ins for two agents on the path."""
    folder = ai_pal_home / "bin"
    folder.mkdir()
    for name in ("claude", "cn"):
        program = folder / name
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(0o755)
    found = environment(ai_pal_home)
    yield found | {"PATH": f"{folder}:{found['PATH']}", "ANTHROPIC_API_KEY": "of the user"}
    stop_supervisor(found)


def launch(environ: Environ, *args: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "ai_pal", "launch", *args]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=SECONDS, cwd="/", check=False
    )


def test_where_no_server_runs_one_lives_as_long_as_the_agent(environ: Environ) -> None:
    done = launch(environ, "claude", "-m", "echo", "--", "-p", "say hello")
    assert done.returncode == 7, done.stderr
    given: dict[str, Any] = json.loads(done.stdout)
    assert given["arguments"] == ["-p", "say hello"]
    assert given["health"] == 200
    assert given["environment"]["ANTHROPIC_MODEL"] == "echo"
    assert given["environment"]["ANTHROPIC_API_KEY"] == ""
    assert given["environment"]["HOME"] == environ["HOME"]
    assert f"claude: echo at {given['environment']['ANTHROPIC_BASE_URL']}" in done.stderr
    with Client(client_endpoint(environ)) as client:
        assert client.status().gateways == []


def command_of(process: psutil.Process) -> str:
    """Nothing of one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_the_server_that_runs_is_asked_and_a_file_goes_with_the_agent(
    served: Served, environ: Environ
) -> None:
    done = launch(served.environ | {"PATH": environ["PATH"]}, "cn", "-m", "echo")
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    file = Path(given["arguments"][1])
    assert json.loads(given["config"])["models"][0]["apiBase"] == f"{served.url}/v1"
    assert not file.exists()
    assert not [one for one in psutil.Process().children() if "serve_under" in command_of(one)]


def test_what_cannot_be_launched_is_said_and_printing_starts_nothing(environ: Environ) -> None:
    for args, code, says in (
        (("codex",), 1, "npm install -g @openai/codex"),
        (("emacs",), 2, "one of: aider, claude"),
        (("claude", "-m", "no-such-model"), 3, "no-such-model"),
        (("claude", "-m", "no-such-model", "--print"), 3, "no-such-model"),
        (("claude", "--json"), 2, "--json is for --print"),
    ):
        done = launch(environ, *args)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert says in done.stderr
    printed = launch(environ, "codex", "-m", "echo", "--print", "--json", "--", "exec", "hi")
    told = json.loads(printed.stdout)
    assert told["url"] == "http://127.0.0.1:11435"
    assert told["arguments"][-2:] == ["exec", "hi"]
    assert told["path"] == ""
    assert "claude" in launch(environ).stdout
    assert not os.path.exists(client_endpoint(environ).removeprefix("ipc://"))
