"""`ai-pal supervise` as a real process, and what can be seen of it from outside."""

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.protocol.client import WorkerStatus
from ai_pal.protocol.report import Report
from tests.nursery import SUPERVISORS, Forked, nursery, with_nurseries
from tests.process.eventually import eventually
from tests.process.homes import Environ, client_endpoint

START_SECONDS = 60.0
STOP_SECONDS = 30.0
AI_PAL = ("-m", "ai_pal")
LOCK_ONLY = ["supervisor.lock"]


class Supervised:
    """A supervisor in the foreground. `settings` are those of `ai_pal.config`, by name; `program` is what
    Python runs, or none: then it comes from a nursery, at once, and so do its workers. `kept` is closed with
    it."""

    def __init__(
        self, environ: Environ, program: tuple[str, ...] | None = AI_PAL, **settings: object
    ) -> None:
        self.environ = environ | {f"AI_PAL_{name.upper()}": str(value) for name, value in settings.items()}
        self.kept = ExitStack()
        self.run_dir = paths.run_dir(environ)
        self.endpoint = client_endpoint(environ)
        self._log = Path(environ["HOME"]) / "supervise.stderr"
        read, write = os.pipe()
        self.command: list[str] = []  # where it is a program of its own
        with self._log.open("ab") as log:
            self._log_begin = log.tell()  # what was said before is another's, and may end in mid-line
            self.process = self._started(program, log.fileno(), write)
        os.close(write)
        with os.fdopen(read, "rb", 0) as pipe:
            assert select.select([pipe], [], [], START_SECONDS)[0], "no report from the supervisor"
            self.report = msgspec.json.decode(pipe.readline() or b"{}", type=Report)

    def _started(
        self, program: tuple[str, ...] | None, log: int, report: int
    ) -> "subprocess.Popen[bytes] | Forked":
        words = ["supervise", "--report-fd", str(report)]
        if program is None:
            environ = with_nurseries(self.environ, "llamacpp")
            command, streams = ["ai-pal", *words], {2: log, report: report}
            return nursery(SUPERVISORS).fork(words, Path("/"), streams, environ, command=command)
        self.command = [sys.executable, "-P", *program, *words]
        return subprocess.Popen(
            self.command, env=self.environ, stdin=subprocess.DEVNULL, stderr=log, pass_fds=[report], cwd="/"
        )

    def __enter__(self) -> Self:
        assert self.report.endpoint == self.endpoint, self.report
        return self

    def __exit__(self, *_: object) -> None:
        with self.kept:
            if self.process.poll() is None:
                self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            finally:
                self.process.kill()
                self.process.wait()

    def client(self) -> Client:
        """A new connection."""
        return Client(self.endpoint)

    def terminate(self, within: float) -> int:
        """SIGTERM; the exit code, which must come in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The log lines of this event with these fields."""
        lines = [json.loads(line) for line in self._lines() if line.startswith(b"{")]
        return [line for line in lines if line["event"] == event and fields.items() <= line.items()]

    def said(self, line: str) -> bool:
        """Whether this stands on a line of its own in what it wrote."""
        return line.encode() in self._lines()

    def _lines(self) -> list[bytes]:
        """The whole lines it has written; it may be about to write the next."""
        with self._log.open("rb") as log:
            log.seek(self._log_begin)
            return log.read().split(b"\n")[:-1]

    def workers(self) -> list[int]:
        """The pids of all its worker processes, known to it or not."""
        return workers_in(self.run_dir)

    def children(self, module: str) -> list[psutil.Process]:
        """The processes beside its workers that run this module."""
        return [one for one in psutil.Process(self.process.pid).children() if module in words_of(one)]

    def nothing_is_left(self) -> bool:
        """Neither process nor socket nor temporary file: only the lock file, which nobody holds."""
        return not self.workers() and sorted(os.listdir(self.run_dir)) == LOCK_ONLY


def workers_in(run_dir: Path) -> list[int]:
    """Living workers of whatever supervisor runs or ran in this directory."""
    return [process.pid for process in psutil.process_iter() if _is_worker(process, run_dir)]


def _is_worker(process: psutil.Process, run_dir: Path) -> bool:
    try:
        return "workers" in (line := process.cmdline()) and f"ipc://{run_dir}/workers.sock" in line
    except psutil.Error:
        return False


def status_of(client: Client, model: str = "echo") -> WorkerStatus | None:
    """What the supervisor says about this model; None when it holds nothing of it."""
    return next((worker for worker in client.status().workers if worker.model == model), None)


def pid_of(client: Client, model: str = "echo") -> int:
    """The process of this model."""

    def pid() -> int:
        status = status_of(client, model)
        return (status.pid or 0) if status else 0

    return eventually(pid)


def gone(pid: int) -> bool:
    """Whether this process has ended, reaped or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def words_of(process: psutil.Process) -> list[str]:
    """Its command; none of one that has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []
