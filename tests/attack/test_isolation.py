"""Local means local: without any route everything still answers; files and tokens are the owner's alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from tests.hub import repositories
from tests.hub.loopback import loopback_hub
from tests.process.homes import Environ, environment, stop_supervisor
from tests.process.supervised import Supervised

CANARY = "hf_canaryCANARYcanaryCANARY"
NO_ROUTE = ["unshare", "--map-root-user", "--net", "sh", "-c"]


def test_without_a_route_what_is_local_answers(ai_pal_home: Path) -> None:
    environ = environment(ai_pal_home) | {"AI_PAL_LOCAL_ONLY": "true"}
    chat = f"{sys.executable} -P -m ai_pal chat --no-daemon 'still here'"
    if not shutil.which("unshare") or subprocess.run([*NO_ROUTE, "true"], check=False).returncode:
        pytest.skip("no network namespace can be made here")
    command = [*NO_ROUTE, f"ip link set lo up; {chat}"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("still here"), done.stderr


def test_every_file_is_its_owners_only(ai_pal_home: Path) -> None:
    os.umask(0o022)
    environ = environment(ai_pal_home)
    try:
        ai_pal(environ, "chat", "hello")
        ai_pal(environ, "list")
        ai_pal(environ, "usage")
        assert (ai_pal_home / "logs" / "supervisor.stderr").is_file()
        open_ones = [path for path in mine(ai_pal_home) if path.lstat().st_mode & 0o077]
        assert not open_ones
    finally:
        stop_supervisor(environ)


def mine(home: Path) -> list[Path]:
    """Files and sockets below; folders and links hold nothing themselves."""
    return [path for path in home.rglob("*") if not (path.is_symlink() or path.is_dir())]


def test_a_token_shows_nowhere_when_downloads_fail(ai_pal_home: Path) -> None:
    with loopback_hub() as hub:
        hub.repos["o/gated"] = repositories.ggufs()
        hub.repos["o/gated"].gated = True
        hub.repos["o/broken"] = repositories.ggufs()
        hub.repos["o/broken"].lies = dict.fromkeys(hub.repos["o/broken"].files, b"lie")
        environ = (
            environment(ai_pal_home) | hub.environment | {"HF_TOKEN": CANARY, "AI_PAL_LOG_LEVEL": "debug"}
        )
        environ |= {"HF_HOME": str(ai_pal_home / "hf"), "AI_PAL_MODEL_CACHE": str(ai_pal_home / "models")}
        heard: list[str] = []
        with Supervised(environ) as daemon, daemon.client() as client:
            for model in ("o/gated:Q4_K_M", "o/broken:Q4_K_M", "o/missing:Q4_K_M", "o/gated"):
                heard += pull(client, model)
            list(client.load("echo"))
            for worker in daemon.workers():
                assert CANARY not in str(psutil.Process(worker).environ())
            for process in psutil.Process(daemon.process.pid).children(recursive=True):
                assert CANARY not in " ".join(process.cmdline())
        assert len(heard) == 4
        assert any(seen.token.endswith(CANARY) for seen in hub.requests), "the token was never used"
    assert not [text for text in heard if CANARY in text]
    for path in mine(ai_pal_home):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def pull(client: Client, model: str) -> list[str]:
    try:
        list(client.pull(model))
    except AiPalError as error:
        return [f"{error!r} {error.failure}"]
    return []


def ai_pal(environ: Environ, *args: str) -> None:
    command = [sys.executable, "-P", "-m", "ai_pal", *args]
    subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
