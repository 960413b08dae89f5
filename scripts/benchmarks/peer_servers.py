"""Servers of the same two models, each as it comes: ours, Ollama, llama.cpp's own, `transformers serve`."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import httpx2
import psutil

from scripts.benchmarks import hf_engines
from scripts.benchmarks.gateways import gateway
from scripts.benchmarks.llama_server import llama_server
from scripts.benchmarks.supervisors import supervisor
from tests.servers.ollama import running_environment
from tests.servers.processes import serving
from workers.threads import default_count

WINDOW = 4096
"""Tokens of llama.cpp's own server, which would take the whole memory otherwise."""
CREATE_SECONDS = 120.0


class Running(NamedTuple):
    """Where it is asked, and the processes that it began with."""

    url: str
    pids: tuple[int, ...]

    def memory(self) -> int:
        """Bytes of them and of those that they have started, what is shared counted once (PSS)."""
        whole = {one for pid in self.pids for one in _with_children(psutil.Process(pid))}
        return sum(int(one.memory_full_info().pss) for one in whole)


class Server(NamedTuple):
    """`models` are two, as a request names them. `start` takes the one that is asked first; without
    `has_both` the other one needs another start."""

    name: str
    models: tuple[str, str]
    start: Callable[[str], AbstractContextManager[Running]]
    has_both: bool = True


def ours(name: str, models: tuple[Path, Path], query: str = "") -> Server:
    """AI-PAL's HTTP gateway before a supervisor, with room for one model at a time."""

    @contextlib.contextmanager
    def start(_: str) -> Iterator[Running]:
        with supervisor(max_loaded_models="1") as running, gateway(running) as front:
            yield Running(front.url, (front.pid, running.process.pid))

    return Server(name, (f"{models[0]}{query}", f"{models[1]}{query}"), start)


def llama_cpp(models: tuple[Path, Path]) -> Server:
    """llama.cpp's own server, with the threads that ours takes."""

    @contextlib.contextmanager
    def start(model: str) -> Iterator[Running]:
        with llama_server(Path(model), 1, default_count(), WINDOW) as running:
            yield Running(running.said, (running.pid,))

    return Server("llama.cpp's server", (str(models[0]), str(models[1])), start, has_both=False)


@contextlib.contextmanager
def ollama(folder: Path, models: tuple[Path, Path]) -> Iterator[Server]:
    """A real one with room for one model at a time, and the threads that ours takes: with its own choice it
    waits for itself on a machine that does anything else."""
    home, binary = Path(tempfile.mkdtemp(prefix="ai-pal-ollama-")), folder / "bin" / "ollama"
    environment = running_environment(folder, home) | {
        "OLLAMA_HOST": "127.0.0.1:0",
        "OLLAMA_MODELS": str(home / "models"),
        "OLLAMA_NUM_GPU": "0",
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "KMP_BLOCKTIME": "0",
    }

    @contextlib.contextmanager
    def start(_: str) -> Iterator[Running]:
        with serving([str(binary), "serve"], environment, r"Listening on (127\.0\.0\.1:\d+)") as running:
            yield Running(f"http://{running.said}", (running.pid,))

    try:
        names = "one", "other"
        with start("") as running:
            for name, file in zip(names, models, strict=True):
                _create(running.url, binary, environment, name, file)
            version = httpx2.get(f"{running.url}/api/version", trust_env=False).json()["version"]
        yield Server(f"Ollama {version}", names, start)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def transformers_serve(models: tuple[Path, Path]) -> Server:
    """It loads what it is asked for, and unloads by time alone."""
    environment = dict(os.environ) | hf_engines.OFFLINE | {"OMP_NUM_THREADS": str(default_count())}
    command = [str(hf_engines.COMMAND), "serve", "--dtype", hf_engines.DTYPE, "--host", "127.0.0.1"]

    @contextlib.contextmanager
    def start(_: str) -> Iterator[Running]:
        port = hf_engines.free_port()
        listens = r"running on (http://\S+)"
        with serving(
            [*command, "--port", str(port)], environment, listens, hf_engines.START_SECONDS
        ) as running:
            yield Running(running.said, (running.pid,))

    return Server("transformers serve", (str(models[0]), str(models[1])), start)


def _create(url: str, binary: Path, environment: dict[str, str], name: str, model: Path) -> None:
    """Have Ollama take the file in."""
    modelfile = Path(environment["HOME"], name)
    modelfile.write_text(f"FROM {model}\nPARAMETER num_thread {default_count()}\n")
    command = [str(binary), "create", name, "-f", str(modelfile)]
    address = {"OLLAMA_HOST": url}
    subprocess.run(
        command, env=environment | address, timeout=CREATE_SECONDS, capture_output=True, check=True
    )


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]
