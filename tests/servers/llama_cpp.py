"""A real llama.cpp HTTP server on loopback: it speaks OpenAI's and Anthropic's APIs.

`python -m tests.servers.llama_cpp MODEL.gguf` prints its address and serves until it is killed.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.servers.processes import serving

KEY = "llama-cpp-test-key"


@contextlib.contextmanager
def llama_cpp(model: Path) -> Iterator[str]:
    """Run it; gives its base URL. It wants `KEY`."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME")}
    environment |= {"GOMP_SPINCOUNT": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "tests.servers.llama_cpp", str(model)]
    with serving(command, environment, r"listening on (http://\S+)\n") as running:
        yield running.said
        ended = os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        assert ended is None, f"llama.cpp's server has ended by itself: {ended}"


def main(model: str) -> None:
    """Serve for ever."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.n_ctx, parameters.n_parallel = 2048, 2
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.api_keys = [KEY]
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    print(f"listening on {server.listening_address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
