"""Our transformers engine and its counterparts: same folder, threads and number format, each a process."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from ai_pal.protocol.content import Message
from scripts.benchmarks.children import FOR_LIBGOMP, Child, child
from scripts.benchmarks.crowds import Together
from scripts.benchmarks.models import safetensors_folder
from scripts.benchmarks.streams import Stream

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error"}
START_SECONDS = 120.0
ANSWER_SECONDS = 300.0
DTYPE = "bfloat16"
TAIL = 2000
"""Bytes of its last words that are shown when it does not start."""

CONTINUOUS = ("--continuous-batching", "--cb-num-blocks", "64", "--cb-max-batch-tokens", "256")
"""Options of `transformers serve`: many at once, with as many blocks as `library` has."""

NEVER_ENDS = -1
"""No token has this id."""

COMMAND = Path(sys.executable).with_name("transformers")


@contextmanager
def ours() -> Iterator[Child]:
    """Our engine; its `hello` says how many threads it took."""
    with child(str(safetensors_folder()), DTYPE, module="scripts.benchmarks.our_engine") as engine:
        yield engine


@contextmanager
def library(beside: Child) -> Iterator[Child]:
    """transformers alone, with the threads of the engine `beside` it."""
    arguments = [str(safetensors_folder()), DTYPE, str(beside.hello["threads"])]
    with child(*arguments, module="scripts.benchmarks.library", **OFFLINE) as found:
        yield found


class Server:
    """`transformers serve`, asked over loopback HTTP."""

    def __init__(self, port: int, model: str) -> None:
        self._port, self._model = port, model

    def answer(self, conversation: list[Message], tokens: int) -> Stream:
        """Greedy, to the last token, read as it streams."""
        return self._read(
            conversation, tokens, {"do_sample": False, "max_new_tokens": tokens, "min_new_tokens": tokens}
        )

    def _read(self, conversation: list[Message], tokens: int, fixed: dict[str, Any]) -> Stream:
        body = {
            "model": self._model,
            "messages": [{"role": one.role, "content": one.content} for one in conversation],
            "stream": True,
            "generation_config": json.dumps(fixed),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        begun = time.perf_counter()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        reply = connection.getresponse()
        try:
            lines = iter(reply.readline, b"")
            arrivals = [time.perf_counter() for line in lines if b'"content":"' in line]
        finally:
            connection.close()
        if len(arrivals) < 2 < tokens:
            raise RuntimeError(f"transformers serve answered {reply.status} and {len(arrivals)} pieces")
        spent = arrivals[-1] - arrivals[0]
        return Stream(arrivals[0] - begun, (tokens - 1) / spent if spent else 0.0)

    def at_once(self, conversations: list[list[Message]], tokens: int) -> Together:
        """All of them at once; to be asked of one with continuous batching, which tells no least number."""
        fixed = {"do_sample": False, "max_new_tokens": tokens, "eos_token_id": NEVER_ENDS}
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(conversations)) as pool:
            streams = list(pool.map(lambda one: self._read(one, tokens, fixed), conversations))
        seconds = time.perf_counter() - begun
        return Together([one.first for one in streams], tokens * len(streams), seconds)

    def is_up(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def reference() -> str:
    """The model as a request names it."""
    return f"{safetensors_folder()}?dtype={DTYPE}"


def can_serve() -> bool:
    return COMMAND.exists() and all(map(find_spec, ("fastapi", "uvicorn", "openai", "pydantic")))


@contextmanager
def transformers_serve(threads: int, *more: str, start_seconds: float = START_SECONDS) -> Iterator[Server]:
    """`transformers serve` with the model loaded, and `more` options. Raises RuntimeError where it does not
    start in time."""
    folder, port = str(safetensors_folder()), free_port()
    environ = {name: value for name, value in os.environ.items() if name not in FOR_LIBGOMP}
    environ |= OFFLINE | {"OMP_NUM_THREADS": str(threads)}
    command = [str(COMMAND), "serve", folder, "--dtype", DTYPE, "--host", "127.0.0.1", "--port", str(port)]
    command += more
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
    try:
        server = Server(port, folder)
        _wait_for(server, process, said, start_seconds)
        yield server
    finally:
        said.close()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _wait_for(
    server: Server, process: "subprocess.Popen[bytes]", said: IO[bytes], seconds: float = START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while not server.is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            said.seek(0)
            words = said.read()[-TAIL:].decode(errors="replace")
            raise RuntimeError(f"transformers serve did not start (code {process.returncode}):\n{words}")
        time.sleep(0.1)


def free_port() -> int:
    """One of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
