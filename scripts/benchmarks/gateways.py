"""An `ai-pal serve` of the benchmark's own before a supervisor of its own."""

import contextlib
import http.client
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from scripts.benchmarks.supervisors import Supervisor, cpu_seconds

SAYS = re.compile(r"http://[\d.]+:\d+")
PATIENCE = 30.0
PLAIN = ("-P", "-m", "ai_pal")


class Gateway:
    """A running one. `ready_seconds` from the start of the process until it has answered."""

    def __init__(self, url: str, pid: int, ready_seconds: float) -> None:
        self.url, self.pid, self.ready_seconds = url, pid, ready_seconds

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        """Resident bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def proportional_memory(self) -> int:
        """Resident bytes, where those that others map too are shared out among all."""
        return int(psutil.Process(self.pid).memory_full_info().pss)


@contextlib.contextmanager
def gateway(running: Supervisor, python: Sequence[str] = PLAIN) -> Iterator[Gateway]:
    """Before this supervisor, run by Python with these arguments; it ends as Ctrl-C ends it."""
    command = [sys.executable, *python, "serve", "--port", "0"]
    log = Path(running.environ["HOME"]) / "serve.log"
    begun = time.perf_counter()
    with (
        log.open("ab") as stderr,
        subprocess.Popen(
            command, env=running.environ, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            found = SAYS.search(process.stdout.readline())
            if found is None:
                raise RuntimeError(f"the gateway did not start:\n{log.read_text(errors='replace')}")
            _ask_after(found[0])
            yield Gateway(found[0], process.pid, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGINT)


def _ask_after(url: str) -> None:
    """Wait for its first answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/health")
        connection.getresponse().read()
