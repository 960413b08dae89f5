"""The launcher for this machine: one subprocess per worker, in a process group of its own."""

import asyncio
import contextlib
import errno
import os
import resource
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.logs import MARK
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, OnLine, ProcessUsage
from ai_pal.server.nodes.output import Output
from ai_pal.server.nodes.process_exit import watch_exit

ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TZ",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    *("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"),
)
"""All that a worker gets to see of the environment: no key, no proxy, no Python path. The last two say how
threads that compute wait; where they do (`OMP_PROC_BIND`) would bind all else of the worker to one core."""

COUNTED_BY_BUS = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
"""As the supervisor counts cards: CUDA's own order begins with the fastest."""

READ_SIZE = 65536

RESERVE = 24
"""Descriptors that must be left for a new process: its pipe, its pidfd and its connection, beside what the
ledger and looks at /proc open now and then. libzmq aborts where it takes a connection and none is left."""

SETTLE_SECONDS = 0.02
"""Between the end of a process and its report: its last messages arrive by another way."""

LAST_READS = 32
"""A pipe holds 64 KiB; more than this comes from somebody who still writes."""


class LocalProcess:
    """A worker process on this machine; see `base.WorkerProcess`."""

    def __init__(
        self, popen: "subprocess.Popen[bytes]", output: Output, on_exit: Callable[[ExitStatus], None]
    ) -> None:
        self._popen, self._output, self._on_exit = popen, output, on_exit
        self._info = psutil.Process(popen.pid)
        self._loop = asyncio.get_running_loop()
        assert popen.stdout is not None
        self._pipe = popen.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._read)
        watch_exit(popen, self._ended)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def usage(self) -> ProcessUsage | None:
        try:
            with self._info.oneshot():
                times = self._info.cpu_times()
                read = self._info.io_counters().read_chars if hasattr(self._info, "io_counters") else 0
                resident = self._info.memory_info().rss
                private, peak = _private_and_peak(self._popen.pid)
                cpu = times.user + times.system
                return ProcessUsage(cpu, resident, read, resident if private is None else private, peak)
        except (psutil.Error, OSError):  # it has ended, or no descriptor is left to look with
            return None

    def owns(self, pid: int) -> bool:
        return pid in (0, self._popen.pid)

    def stderr_tail(self) -> str:
        return self._output.tail()

    def _signal(self, number: signal.Signals) -> None:
        # Not yet reaped (returncode is set by poll in `_ended`), so the group id cannot be reused.
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, number)

    def _read(self) -> bool:
        """Read what is there; False at the end of the pipe."""
        try:
            data = os.read(self._pipe, READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:  # what it says is lost; its end must not be
            data = b""
        if not data:
            self._loop.remove_reader(self._pipe)
            return False
        self._output.feed(data)
        return True

    def _ended(self) -> None:
        self._signal(signal.SIGKILL)
        self._popen.wait()
        for _ in range(LAST_READS):
            if not self._pending() or not self._read():
                break
        self._loop.remove_reader(self._pipe)
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        self._output.end()
        code = self._popen.returncode
        status = ExitStatus(signal=-code) if code < 0 else ExitStatus(code=code)
        self._loop.call_later(SETTLE_SECONDS, self._on_exit, status)

    def _pending(self) -> bool:
        return bool(select.select([self._pipe], [], [], 0)[0])


def _private_and_peak(pid: int) -> tuple[int | None, int]:
    """Resident bytes that are no file's, and the peak of all resident bytes, as Linux tells them."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return None, 0
    lines = dict(
        line.split(b":", 1) for line in status.splitlines() if line.startswith((b"RssAnon", b"VmHWM"))
    )
    sizes = {name: int(value.split()[0]) * 1024 for name, value in lines.items()}
    return sizes.get(b"RssAnon"), sizes.get(b"VmHWM", 0)


class LocalLauncher:
    """Launches `python -P -m MODULE` so that no folder the user stands in is ever imported from."""

    def __init__(self, run_dir: Path, endpoint: str, on_line: OnLine) -> None:
        self._run_dir, self._endpoint, self._on_line = run_dir, endpoint, on_line

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> LocalProcess:
        """See `base.Launcher`. Must be called from the main thread: the death of the thread that
        forked is what PR_SET_PDEATHSIG reports."""
        command = [sys.executable, "-P", "-m", spec.module, "--endpoint", self._endpoint]
        command += ["--worker", spec.worker, "--parent", str(os.getpid()), *spec.args]
        if _descriptors_left() < RESERVE:
            raise AiPalError(_spawn_failed(OSError(errno.EMFILE, os.strerror(errno.EMFILE))))
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        mark = secrets.token_hex(8)
        try:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._run_dir if self._run_dir.is_dir() else "/",
                env=COUNTED_BY_BUS | environment | dict(spec.environment) | {MARK: mark},
                process_group=0,
                pass_fds=spec.files,
            )
        except OSError as error:
            raise AiPalError(_spawn_failed(error)) from error
        output = Output(lambda line: self._on_line(spec.worker, line), mark, serves=spec.serves)
        try:
            return LocalProcess(popen, output, on_exit)
        except (psutil.Error, OSError) as error:  # no descriptor is left to watch it with
            popen.kill()
            popen.communicate()
            raise AiPalError(_spawn_failed(error)) from error


def _descriptors_left() -> int:
    """How many more this process may open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return RESERVE
    try:
        return limit - len(os.listdir("/dev/fd"))
    except OSError as error:  # not even one to look with, or a system without that folder
        return 0 if error.errno == errno.EMFILE else RESERVE


def _spawn_failed(error: Exception) -> Failure:
    reason = error.strerror if isinstance(error, OSError) else error
    no_files = isinstance(error, OSError) and error.errno == errno.EMFILE
    return Failure(
        Code.SPAWN_FAILED,
        f"the worker process could not be started: {reason}",
        "raise the limit of open files: ulimit -n" if no_files else "free memory or processes and ask again",
        retryable=True,
    )
