"""What the spare worker saves: a process that has imported torch and transformers before it is needed."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

from scripts.benchmarks.figures import Row, alternate, figure, row
from scripts.benchmarks.models import safetensors_folder
from scripts.benchmarks.supervisors import Supervisor, supervisor

IMPORTS = """
import time
begun = time.perf_counter()
from workers.engines.transformers.engine import import_libraries
import_libraries()
print(time.perf_counter() - begun)
"""
QUIET_SECONDS, LOOK_SECONDS, WAIT_SECONDS = 0.5, 0.1, 60.0


def spare_worker(pairs: int) -> Iterator[Row]:
    """Loads with a spare worker against loads without, and what the import takes by itself."""
    model = safetensors_folder()
    with supervisor(spare_worker="false") as without, supervisor(spare_worker="true") as with_one:
        for running in (without, with_one):
            load(running, str(model))  # files are in the page cache, and a spare is wanted
        cold, others = alternate(
            pairs,
            lambda _: load(without, str(model)),
            lambda _: (load(with_one, str(model)), import_seconds()),
        )
    warm, imports = zip(*others, strict=True)
    saved = [(a - b) / c for a, b, c in zip(cold, warm, imports, strict=True)]
    times = [figure(sorted(series)[len(series) // 2]) for series in (cold, warm, imports)]
    note = "load {} s, with a spare {} s; importing takes {} s".format(*times)
    yield row("what a spare worker saves / import time", saved, "x", at_least=1.0, note=note)


def load(running: Supervisor, model: str) -> float:
    """Seconds of one load, when whatever is to be ready for it is."""
    with running.client() as client:
        settle(running)
        begun = time.perf_counter()
        list(client.load(model))
        seconds = time.perf_counter() - begun
        client.unload(model)
    return seconds


def settle(running: Supervisor) -> None:
    """Wait until nothing that the supervisor started computes any more."""
    deadline, quiet_since, before = time.monotonic() + WAIT_SECONDS, time.monotonic(), -1.0
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise RuntimeError("the workers do not come to rest")
        time.sleep(LOOK_SECONDS)
        spent = sum(_cpu(child) for child in running.process.children())
        if spent > before + LOOK_SECONDS / 10:
            quiet_since, before = time.monotonic(), spent


def import_seconds() -> float:
    """What importing the engine takes in a process of its own."""
    done = subprocess.run([sys.executable, "-c", IMPORTS], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
