"""llama.cpp's own HTTP server: `python -m scripts.benchmarks.llama_server MODEL SLOTS THREADS WINDOW`."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.servers.processes import Running, serving

WINDOW = 512
"""Tokens of each slot."""


@contextlib.contextmanager
def llama_server(model: Path, slots: int, threads: int, window: int = WINDOW) -> Iterator[Running]:
    """Run it with `window` tokens in each slot; what it said is its address."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME")}
    command = [
        sys.executable,
        "-m",
        "scripts.benchmarks.llama_server",
        str(model),
        str(slots),
        str(threads),
        str(window),
    ]
    with serving(command, environment, r"listening on (http://\S+)\n") as running:
        yield running


def main(model: str, slots: str, threads: str, window: str) -> None:
    """Serve for ever."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_parallel = int(slots)
    parameters.n_ctx = int(window) * int(slots)
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = int(threads)
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.verbosity = 0
    server = xllamacpp.Server(parameters)
    print(f"listening on {server.listening_address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
