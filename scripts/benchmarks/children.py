"""The engine without AI-PAL around it, in a process of its own: asked for one answer at a time.

python -m scripts.benchmarks.children engine MODEL      in-process, set up as a worker does it
python -m scripts.benchmarks.children bare PATH COUNT   in-process, COUNT threads, libgomp as it comes
python -m scripts.benchmarks.children http PATH COUNT   its HTTP server, COUNT threads (0: its default)
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from ai_pal import catalog
from ai_pal.config import load_settings
from scripts.benchmarks.streams import TOKENS, Stream, options, question, timed
from workers.engines.llamacpp.attachments import Attachments
from workers.engines.llamacpp.engine import LlamaCpp
from workers.engines.llamacpp.messages import plain_messages
from workers.engines.llamacpp.request import sampling_body
from workers.outbox import Outbox

T = TypeVar("T")

FOR_LIBGOMP = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")


class Child:
    """Asks the process for answers, by pipe. `hello` is what it said when it was ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.hello = json.loads(self._line())

    def answer(self, number: int, tokens: int = TOKENS) -> Stream:
        return self.ask(f"{number} {tokens}", Stream)

    def ask(self, line: str, kind: type[T]) -> T:
        """One line there, one object back."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._line(), type=kind)

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark's engine process ended")
        return line


@contextmanager
def child(*arguments: str, module: str = "scripts.benchmarks.children", **more: str) -> Iterator[Child]:
    """Run the module with these arguments, with libgomp's own defaults and `more` in its environment."""
    environ = {name: value for name, value in os.environ.items() if name not in FOR_LIBGOMP} | more
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Child(process)
    finally:
        process.kill()
        process.wait()


def model_path(model: str) -> str:
    return catalog.resolve(model, load_settings().settings).path


def engine(model: str) -> None:
    """In-process: what a worker's engine calls, without anything of ours in between."""
    os.chdir("/tmp")
    llama = LlamaCpp()
    ready = llama.load(catalog.resolve(model, load_settings().settings), Outbox())
    print(json.dumps({"seconds": ready.seconds, "threads": ready.threads}), flush=True)
    answer_all(llama._server.engine)
    llama.close()


def bare(path: str, count: int) -> None:
    """In-process, with nothing but the number of threads set."""
    server = _server(path, count)
    print(json.dumps({}), flush=True)
    answer_all(server)


def answer_all(server: Any) -> None:
    """Serve `number tokens` lines until the other side is gone."""
    for line in sys.stdin:
        number, tokens = map(int, line.split())
        body = _body(number, tokens)
        asked = time.perf_counter()
        arrivals: list[float] = []

        def arrived(chunk: dict[str, Any], into: list[float] = arrivals) -> None:
            if any(choice["delta"].get("content") for choice in chunk["choices"]):
                into.append(time.perf_counter())

        server.handle_chat_completions(body, arrived)
        first, last = arrivals[0], arrivals[-1]
        _say(Stream(first - asked, (len(arrivals) - 1) / (last - first)))


def http_server(path: str, count: int) -> None:
    """xllamacpp's own server as it comes, but for the number of threads if one is given."""
    server = _server(path, count)
    print(json.dumps({"address": server.listening_address}), flush=True)
    threading.Event().wait()


def _server(path: str, count: int) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.verbosity = 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    if count:
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = count
    return xllamacpp.Server(parameters)


def over_http(address: str, number: int, limit: float = 1e9, tokens: int = TOKENS) -> Stream:
    """One answer of an HTTP server, read as it streams."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=300)
    body = json.dumps(_body(number, tokens))
    asked = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    try:
        lines = iter(reply.readline, b"")
        return timed((1 for line in lines if b'"content":"' in line), asked, limit)
    finally:
        connection.close()


def _body(number: int, tokens: int) -> dict[str, Any]:
    return {
        **sampling_body(options(tokens)),
        "messages": plain_messages(question(number), Attachments(()).told, remembers=False),
    }


def _say(stream: Stream) -> None:
    print(msgspec.json.encode(stream).decode(), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["engine", name]:
            engine(name)
        case ["bare", file, number]:
            bare(file, int(number))
        case ["http", file, number]:
            http_server(file, int(number))
    os._exit(0)
