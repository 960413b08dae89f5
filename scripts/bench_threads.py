"""Decode speed by thread count, libgomp setting and competitor: what workers/threads.py rests on.

    .venv/bin/python scripts/bench_threads.py MODEL.gguf [--rounds 5] [--tokens 48]

Prints the median of tokens per second. The last two rows are what a worker does, and xllamacpp's own
HTTP server with its defaults.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request

from workers import spin_throttle
from workers import threads as worker_threads

SETTINGS: dict[str, dict[str, str]] = {
    "library default": {},
    "GOMP_SPINCOUNT=0": {"GOMP_SPINCOUNT": "0"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "GOMP_SPINCOUNT=150": {"GOMP_SPINCOUNT": "150"},
    "worker": spin_throttle.SETTINGS,
}
WORKER, HTTP = "worker", "http"
LIBGOMP = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
BODY = {
    "messages": [{"role": "system", "content": ""}, {"role": "user", "content": "Tell me about the sea."}],
    "temperature": 0,
    "stream": True,
    "ignore_eos": True,
}
BUSY = "while True: pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return measure(arguments.model, arguments.child, arguments.rounds, arguments.tokens)
    cores = len(os.sched_getaffinity(0))
    print(f"{'threads':>8} {'setting':<26} {'quiet':>8} {'competitor':>12}   tokens per second, medians")
    for threads, setting in itertools.product(range(1, cores + 1), SETTINGS):
        if setting != WORKER:
            row(arguments, str(threads), setting)
    row(arguments, WORKER, WORKER)
    row(arguments, HTTP, "library default")
    return None


def row(arguments: argparse.Namespace, threads: str, setting: str) -> None:
    quiet = run(arguments, threads, SETTINGS[setting])
    competitor = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        busy = run(arguments, threads, SETTINGS[setting])
    finally:
        competitor.kill()
        competitor.wait()
    print(f"{threads:>8} {setting:<26} {quiet:8.1f} {busy:12.1f}", flush=True)


def run(arguments: argparse.Namespace, threads: str, setting: dict[str, str]) -> float:
    """Measure in a process of its own: libgomp reads its settings once."""
    environment = {name: value for name, value in os.environ.items() if name not in LIBGOMP} | setting
    command = [sys.executable, __file__, arguments.model, "--child", threads]
    command += ["--rounds", str(arguments.rounds), "--tokens", str(arguments.tokens)]
    out = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    return float(out.stdout.split()[-1])


def measure(model: str, threads: str, rounds: int, tokens: int) -> None:
    """The child: load, answer `rounds` times, print the median; ends without taking the server apart."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.verbosity = 1
    parameters.n_ctx = 2048
    count = worker_threads.default_count() if threads == WORKER else int(threads) if threads != HTTP else -1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = count
    server = xllamacpp.Server(parameters)
    if threads == WORKER and (throttle := spin_throttle.start(count)) is not None:
        throttle.working(True)
    speeds = []
    for _ in range(rounds):
        body = BODY | {"max_tokens": tokens}
        arrivals = over_http(server.listening_address, body) if threads == HTTP else direct(server, body)
        speeds.append((len(arrivals) - 1) / (arrivals[-1] - arrivals[0]))
    print(statistics.median(speeds), flush=True)
    os._exit(0)


def direct(server: object, body: dict[str, object]) -> list[float]:
    arrivals: list[float] = []

    def arrived(chunk: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        if any(choice["delta"].get("content") for choice in chunk["choices"]):
            arrivals.append(time.perf_counter())

    server.handle_chat_completions(body, arrived)  # type: ignore[attr-defined]
    return arrivals


def over_http(address: str, body: dict[str, object]) -> list[float]:
    arrivals: list[float] = []
    request = urllib.request.Request(  # noqa: S310 - our own server's address
        f"{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=300) as reply:  # noqa: S310
        lines = (line for line in reply if line.startswith(b"data: {") and b'"content":"' in line)
        arrivals.extend(time.perf_counter() for _ in lines)
    return arrivals


if __name__ == "__main__":
    main()
