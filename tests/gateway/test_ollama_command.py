"""Ollama's own command against the gateway: a model is made of a Modelfile, asked, listed and removed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import ollama
import pytest

from tests import lora, tiny_gguf
from tests.gateway.conftest import Served
from tests.hub import repositories as repos
from tests.hub.loopback import Hub
from tests.servers.ollama import running_environment

SECONDS = 120
MODELFILE = '''FROM ./m.gguf
ADAPTER ./a.gguf
TEMPLATE """{{ if .System }}{{ .System }}. {{ end }}{{ .Prompt }} -> {{ .Response }}"""
SYSTEM """be brief"""
PARAMETER temperature 0
PARAMETER num_predict 8
PARAMETER num_ctx 128
PARAMETER stop "weather"
MESSAGE user the sea
MESSAGE assistant is deep
LICENSE """MIT"""
'''

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(own: Served, ollama_folder: Path, tmp_path: Path) -> Command:
    """Runs it."""
    environ = running_environment(ollama_folder, tmp_path) | {"OLLAMA_HOST": own.url}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        line = [str(ollama_folder / "bin" / "ollama"), *args]
        return subprocess.run(
            line, env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip

    return run


def test_a_model_is_made_of_a_modelfile(command: Command, own: Served, tmp_path: Path) -> None:
    tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    lora.save_gguf(tmp_path / "a.gguf")
    (tmp_path / "Modelfile").write_text(MODELFILE)
    made = command("create", "made", "-f", "Modelfile")
    assert made.returncode == 0, made.stderr
    with ollama.Client(own.url, timeout=SECONDS) as client:
        shown = client.show("made")
        assert shown.license == "MIT"
        for line in ("be brief", 'MESSAGE assistant """is deep"""', "num_ctx", "weather"):
            assert line in (shown.modelfile or ""), shown.modelfile
        answer = client.generate("made", "the sea", options={"num_predict": 4})
        assert (answer.eval_count, answer.done_reason) == (4, "length")
    assert "embedding length    64" in command("show", "made").stdout
    assert command("show", "made", "--license").stdout.strip() == "MIT"
    assert command("run", "made", "the sea is").stdout.strip()
    assert "made:latest" in command("ps").stdout
    assert command("stop", "made").returncode == 0
    assert command("cp", "made", "me/again:v2").returncode == 0
    assert {"made:latest", "me/again:v2"} <= set(command("list").stdout.split())
    assert command("run", "me/again:v2", "the sea is").stdout.strip()
    assert command("rm", "made", "me/again:v2").returncode == 0
    assert not {"made:latest", "me/again:v2"} & set(command("list").stdout.split())
    assert not list(Path(own.environ["AI_PAL_MODEL_CACHE"], "uploads").iterdir())


@pytest.mark.parametrize("model", ["auto", "echo"])
def test_what_has_no_window_of_its_own_is_shown(command: Command, model: str) -> None:
    shown = command("show", model)
    assert (shown.returncode, "context length" in shown.stdout) == (0, True), shown.stderr[-500:]


def test_a_model_is_pulled_with_its_progress(command: Command, hub: Hub) -> None:
    hub.repos["by/command"] = repos.llama()
    pulled = command("pull", "by/command")
    assert (pulled.returncode, "success" in pulled.stderr) == (0, True), pulled.stderr
    assert "by/command:latest" in command("list").stdout
    assert command("rm", "by/command").returncode == 0
    missing = command("pull", "nobody/nothing")
    assert (missing.returncode != 0, "nobody/nothing" in missing.stderr) == (True, True)


def test_what_is_not_done_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "Modelfile").write_text("FROM echo\n")
    for args, words in (
        (("create", "made", "-f", "Modelfile", "--quantize", "q4_0"), "nothing is quantized here"),
        (("push", "somebody/echo"), "nothing is sent to a registry from here"),
    ):
        refused = command(*args)
        assert refused.returncode != 0
        assert words in refused.stderr
