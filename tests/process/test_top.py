"""`ai-pal top` on a real terminal: what is asked is seen and stopped, and the terminal is as before."""

import json
import signal
import subprocess
import sys

import pytest

from ai_pal.errors import AiPalError, Code
from tests.process.screen import Terminal
from tests.process.supervised import Supervised

pytestmark = pytest.mark.timeout(180)
RESTORED = b"\x1b[?1049l"


def test_a_request_is_seen_and_cancelled_and_its_model_unloaded(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color"}
    with Terminal(["top"], environ, columns=120) as terminal, daemon.client() as client:
        terminal.wait_for("no model is loaded")
        stream = client.chat("a secret of seven words and more", extra={"pace": 0.5, "tokens": 10_000})
        terminal.wait_for(r"chat +echo +answering +[1-9]")
        terminal.send("\x1b[Bc")
        terminal.wait_for(r"cancel chat of .*\? y/n")
        terminal.send("y")
        with pytest.raises(AiPalError) as caught:
            stream.answer()
        assert caught.value.code == Code.CANCELLED
        assert caught.value.failure.message.startswith("ai-pal top (pid ")
        terminal.wait_for("the request is cancelled")
        terminal.send("p")
        terminal.wait_for(r"echo +ready .* never")
        terminal.send("u")
        terminal.wait_for("unloaded echo")
        terminal.wait_for("no model is loaded")
        terminal.send("q")
        assert terminal.exit_code() == 0
        assert RESTORED in terminal.raw[-60:]
    assert b"secret" not in terminal.raw


def test_sigterm_gives_the_terminal_back(daemon: Supervised) -> None:
    environ = daemon.environ | {"TERM": "xterm-256color", "NO_COLOR": "1"}
    with Terminal(["top"], environ) as terminal:
        terminal.wait_for("no model is loaded")
        terminal.process.kill(signal.SIGTERM)
        assert terminal.exit_code() == 128 + signal.SIGTERM
        assert terminal.raw.index(b"\x1b[?25h") < terminal.raw.index(RESTORED)
        assert b"\x1b[7m" not in terminal.raw


def test_once_is_an_object_for_programs(daemon: Supervised) -> None:
    with daemon.client() as client:
        client.ask("hi")
    command = [sys.executable, "-m", "ai_pal", "top", "--once", "--json"]
    found = json.loads(subprocess.run(command, env=daemon.environ, capture_output=True, check=True).stdout)
    assert found["running"]
    assert [model["model"] for model in found["models"]] == ["echo"]
    assert 0 < found["free"] <= found["total"]
