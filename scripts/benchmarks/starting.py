"""How fast things start, how little an idle supervisor holds, and that unloading leaves nothing."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from scripts.benchmarks.figures import Row, alternate, ratio, row
from scripts.benchmarks.supervisors import MODEL, supervisor

SCRIPT = Path(sys.executable).with_name("ai-pal")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "ai_pal"]
NOTHING = [sys.executable, "-c", "pass"]


def start_and_end(pairs: int) -> Iterator[Row]:
    ours, theirs = alternate(pairs, lambda n: spent([*COMMAND, "--version"]), lambda n: spent(NOTHING))
    yield ratio("ai-pal --version / python -c pass", ours, theirs, at_most=3.0)
    ready, idle = [], []
    for _ in range(pairs):
        with supervisor() as running:
            ready.append(running.ready_seconds)
            with running.client() as client:
                client.status()
            idle.append(running.memory() / 1e6)
    yield row("supervisor ready", ready, "s", at_most=0.7)
    yield row("  idle memory", idle, "MB", at_most=60)
    yield from unloading()


def unloading() -> Iterator[Row]:
    with supervisor() as running, running.client() as client:
        list(client.load(MODEL))
        worker = psutil.Process(client.status().workers[0].pid)
        held = worker.memory_info().rss / 1e6
        begun = time.perf_counter()
        client.unload(MODEL)
        seconds = time.perf_counter() - begun
        left = float(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE)
    yield row(
        "processes left after unload", [left], at_most=0, note=f"{held:.0f} MB given back in {seconds:.2f} s"
    )


def spent(command: list[str]) -> float:
    """Seconds that the command takes."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
