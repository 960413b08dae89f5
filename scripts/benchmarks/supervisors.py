"""A supervisor of the benchmark's own, in a home of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.protocol.report import Report

MODEL = "smollm2"


class Supervisor:
    """A running one. `ready_seconds` from the start of the process until clients can connect."""

    def __init__(self, environ: dict[str, str], process: "subprocess.Popen[bytes]", endpoint: str) -> None:
        self.environ, self.endpoint = environ, endpoint
        self.process = psutil.Process(process.pid)
        self.ready_seconds = 0.0

    def client(self) -> Client:
        return Client(self.endpoint)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.process.memory_info().rss)

    def tree_memory(self) -> int:
        """Resident bytes of it and everything that it started."""
        total = 0
        for process in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += int(process.memory_info().rss)
        return total

    def proportional_memory(self) -> int:
        """Resident bytes, where those that others map too are shared out among all."""
        return int(self.process.memory_full_info().pss)

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds(self.process.pid)


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU of all threads of a process, to the microsecond: its clock ticks are 10 ms long."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e9


@contextmanager
def own_home() -> Iterator[dict[str, str]]:
    """An environment in which nothing runs yet, with the models of this machine."""
    home = Path(tempfile.mkdtemp(prefix="ai-pal-bench-", dir="/tmp"))
    try:
        yield {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AI_PAL_HOME": str(home),
            "AI_PAL_MODEL_CACHE": load_settings().settings.model_cache_dir,
        }
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def supervisor(python: str = sys.executable, **settings: str) -> Iterator[Supervisor]:
    """The AI-PAL of `python`, started as supervisord would start it, with `AI_PAL_*` variables of these
    names; stopped at the end."""
    with own_home() as environ:
        environ |= {f"AI_PAL_{name.upper()}": value for name, value in settings.items()}
        read, write = os.pipe()
        begun = time.perf_counter()
        command = [python, "-P", "-m", "ai_pal", "supervise", "--report-fd", str(write)]
        said = Path(environ["HOME"]) / "stderr"
        with said.open("wb") as stderr:
            process = subprocess.Popen(command, env=environ, pass_fds=[write], cwd="/", stderr=stderr)
        os.close(write)
        try:
            with os.fdopen(read, "rb") as pipe:
                told = pipe.readline()
            if not told:
                raise RuntimeError(f"the supervisor did not start:\n{said.read_text(errors='replace')}")
            report = msgspec.json.decode(told, type=Report)
            running = Supervisor(environ, process, report.endpoint)
            running.ready_seconds = time.perf_counter() - begun
            yield running
        finally:
            process.terminate()
            process.wait(15)
