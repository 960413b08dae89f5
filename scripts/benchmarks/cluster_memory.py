"""The memory of the supervisor and of the cluster process, with one worker and with a hundred on a node."""

from collections.abc import Iterator

import psutil

from scripts.benchmarks.cluster import on_a_node
from scripts.benchmarks.figures import Row, row
from scripts.benchmarks.supervisors import Supervisor

FEW, MANY = 1, 100
MB = 1e6
KEEP = 3600.0
CLUSTER = "ai_pal.cluster"


def by_workers(pairs: int) -> Iterator[Row]:
    """Real ones: each is an echo engine with its agent, and takes some 60 MB of this machine."""
    with on_a_node() as running, running.client() as client:
        for number in range(MANY):
            list(client.load(f"echo?id={number}", keep_alive=KEEP))
            if number + 1 in (FEW, MANY):
                subject = "1 worker" if number == 0 else f"{MANY} workers"
                yield row("memory of the supervisor", [running.memory() / MB], "MB", subject=subject)
                memory = _cluster_process(running).memory_info().rss / MB
                yield row("memory of the cluster process", [memory], "MB", subject=subject)


def _cluster_process(running: Supervisor) -> psutil.Process:
    return next(child for child in running.process.children() if CLUSTER in child.cmdline())
