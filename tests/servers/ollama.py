"""A real Ollama server on loopback with SmolLM2 as `smollm2`."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2

from tests.servers.processes import serving

MODEL = "smollm2"

TOOLED = "tooled"
"""The same model with a template that knows tools and thoughts, and shows it how to call one."""

_SHOWN = """<|im_start|>user
Call weather for Rome.<|im_end|>
<|im_start|>assistant
{"name": "weather", "parameters": {"city": "Rome"}}<|im_end|>
"""
_TEMPLATE = (
    "{{ if .Tools }}<|im_start|>system\nTools: {{ range .Tools }}{{ json . }}{{ end }}<|im_end|>\n"
    + _SHOWN * 3
    + """{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}
{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}{{ .Content }}{{ range .ToolCalls }}\
{"name": "{{ .Function.Name }}", "parameters": {{ json .Function.Arguments }}}{{ end }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
)
FETCH = Path(__file__).parents[2] / "scripts" / "fetch_ollama"


def installed() -> Path | None:
    """The folder of the server; None where it was not fetched (scripts/setup --dev does)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("AI_PAL_TEST_OLLAMA") or cache / "ai-pal-tests" / "ollama-0.9.3")
    return folder if (folder / ".ready").exists() else None


def running_environment(folder: Path, home: Path) -> dict[str, str]:
    """What its binary needs to run at all."""
    path = f"{folder}/bin:{folder}/rt"
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LD_LIBRARY_PATH": path}


class Ollama(NamedTuple):
    """`url` is its base URL; `pid` leads its group, its runners are in there too."""

    url: str
    pid: int


@contextlib.contextmanager
def ollama(folder: Path, starter: Path, address: str = "127.0.0.1:0") -> Iterator[Ollama]:
    """Run it. Its models are kept between runs."""
    home = Path(tempfile.mkdtemp(prefix="ai-pal-ollama-"))
    environment = running_environment(folder, home) | {
        "OLLAMA_HOST": address,
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_NUM_GPU": "0",
        "OLLAMA_NUM_PARALLEL": "2",
        "OLLAMA_KEEP_ALIVE": "10m",
        "KMP_BLOCKTIME": "0",
    }
    binary = str(folder / "bin" / "ollama")
    try:
        with serving([binary, "serve"], environment, r"Listening on (127\.0\.0\.1:\d+)") as running:
            environment["OLLAMA_HOST"] = running.said
            _create(binary, environment, folder, starter)
            yield Ollama(f"http://{running.said}", running.pid)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def load(url: str) -> None:
    """Have it loaded, however long that takes here."""
    httpx2.post(f"{url}/api/generate", json={"model": MODEL}, timeout=120, trust_env=False).raise_for_status()


def create_tooled(url: str) -> None:
    """Have it made; it is kept with the other models."""
    body = {"model": TOOLED, "from": MODEL, "template": _TEMPLATE, "stream": False}
    httpx2.post(f"{url}/api/create", json=body, timeout=120, trust_env=False).raise_for_status()


def _create(binary: str, environment: dict[str, str], folder: Path, starter: Path) -> None:
    modelfile = Path(environment["HOME"]) / "Modelfile"
    # One thread: two wait for each other whenever anything else runs on the machine.
    modelfile.write_text(f"FROM {starter}\nPARAMETER num_thread 1\nPARAMETER num_ctx 2048\n")
    with (folder / ".ready").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "models" / "manifests" / "registry.ollama.ai" / "library" / MODEL).exists():
            command = [binary, "create", MODEL, "-f", str(modelfile)]
            done = subprocess.run(
                command, env=environment, timeout=120, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
