"""A home with a supervisor that is meant to die, and what can be seen of it from outside."""

import itertools
import os
import random
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

import psutil

from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError
from tests.chaos import leftovers
from tests.chaos.leftovers import Leftovers
from tests.chaos.report import Report
from tests.chaos.turns import ALONE, Share, turns
from tests.hub.loopback import Hub
from tests.process.homes import environment
from tests.process.supervised import AI_PAL, Supervised

T = TypeVar("T")
SURVIVAL = 1.0
STOP = 5.0
SETTINGS: dict[str, object] = {
    "beat_timeout": 2, "start_timeout": 3, "load_stall": 3, "engine_stall": 3, "keep_alive": 0.5,
    "drain_seconds": 0.3, "log_level": "debug",
}  # fmt: skip
KNOWN_FILES = {"supervisor.lock", "front.sock", "workers.sock"}


class Held(NamedTuple):
    """What a supervisor holds: descriptors, sockets among them, resident bytes."""

    fds: int
    sockets: int
    memory: int


class Laboratory:
    """One home; a supervisor is started in it when there is none. Every time limit goes to the report."""

    def __init__(self, home: Path, report: Report, share: Share = ALONE, **settings: object) -> None:
        models = load_settings().settings.model_cache_dir
        self._environ = environment(home) | {"AI_PAL_MODEL_CACHE": models, "HF_HOME": str(home / "hf")}
        self.home, self.report, self._settings = home, report, SETTINGS | settings
        self._share = share
        self._started = ExitStack()
        self._names = itertools.count(1)
        self._daemon: Supervised | None = None
        self.hub: Hub | None = None
        self._program: tuple[str, ...] = AI_PAL
        self._prefix = f"c{report.seed % 1000}"

    def __enter__(self) -> Self:
        assert self.daemon.process.poll() is None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()
        for process in self.processes():
            process.kill()

    @property
    def daemon(self) -> Supervised:
        """The running supervisor."""
        if self._daemon is None or self._daemon.process.poll() is not None:
            self._daemon = self._started.enter_context(
                Supervised(self._environ, self._program, **self._settings)
            )
        return self._daemon

    def connect(self, hub: Hub) -> None:
        """Downloads go to this hub from now on."""
        self.hub = hub
        self._environ |= hub.environment
        self.stop()

    def configure(self, config: str, **environ: str) -> None:
        """Supervisors have this config file from now on, and the router chooses by it; `environ` too."""
        file = self.home / "chaos.toml"
        file.write_text(config)
        self._environ |= {"AI_PAL_CONFIG": str(file)} | environ
        self._environ.pop("AI_PAL_MODEL", None)
        self.stop()

    def tamper(self, *how: str) -> None:
        """The next supervisor is one that was tampered with; see `tests.chaos.tampered`."""
        self.stop()
        self._program = ("-m", "tests.chaos.tampered", *how)
        self._environ["PYTHONPATH"] = str(Path(__file__).parents[2])

    def stop(self) -> None:
        """End the supervisor: the next one starts when it is asked for."""
        if self._daemon is not None and self._daemon.process.poll() is None:
            self._daemon.process.terminate()
            self.terminated()

    def turns(self, dice: random.Random, things: Sequence[T], rounds: int) -> Iterator[T]:
        """What is to be played here, of so many rounds at all sites."""
        return turns(self.report, self._share, dice, things, rounds)

    def name(self) -> str:
        """A name for a model that no other round has used."""
        return f"{self._prefix}-{next(self._names)}"

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client, whose supervisor may die meanwhile."""
        with self.daemon.client() as client:
            yield client

    def processes(self) -> list[psutil.Process]:
        """What the supervisor of this home has started, known to it or not."""
        assert self._daemon is not None
        return list(_alive(leftovers.of(self._daemon)))

    def kill(self) -> None:
        """SIGKILL the supervisor: nothing of it may be left after a second."""
        daemon = self._daemon
        assert daemon is not None
        left = Leftovers(partial(leftovers.of, daemon))
        daemon.process.kill()
        daemon.process.wait()
        self._wait_empty(left, "the last process of a killed supervisor")

    def terminated(self) -> None:
        """The supervisor was just told to end: it ends in time, and leaves nothing at all."""
        daemon, begun = self._daemon, time.monotonic()
        assert daemon is not None
        processes = Leftovers(partial(leftovers.of, daemon))
        try:
            code = daemon.process.wait(STOP * self.report.slack)
        except Exception:  # noqa: BLE001
            daemon.process.kill()
            self.report.expect(False, f"SIGTERM did not end it within {STOP} s")
            daemon.process.wait()
            return
        self.report.took("stop", time.monotonic() - begun, STOP)
        self.report.expect(code == 0, f"a stopped supervisor exited with {code}")
        self._wait_empty(processes, "the last process of a stopped supervisor")
        left = sorted(os.listdir(daemon.run_dir))
        self.report.expect(left == ["supervisor.lock"], f"a stopped supervisor left {left}")

    def _wait_empty(self, processes: Leftovers, what: str) -> None:
        seconds, left = processes.wait(SURVIVAL * self.report.slack)
        self.report.orphans += len(left)
        for pid in left:
            self.report.expect(False, f"still there: {_told(pid)}")
            send(pid, signal.SIGKILL)
        self.report.took(what, seconds, SURVIVAL)

    def is_sound(self) -> None:
        """The supervisor answers, and a model too."""
        try:
            with self.client() as client:
                said = client.ask("still here", model=f"echo?id={self.name()}", deadline=60.0).text
            self.report.expect(said == "still here ", f"it says {said!r}")
        except AiPalError as error:
            self.report.expect(False, f"it does not answer afterwards: {error}")

    def held(self) -> Held:
        """What the supervisor holds once nothing runs: waits for that."""
        deadline = time.monotonic() + 15 * self.report.slack
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.report.expect(not left, f"processes without work: {[_told(one.pid) for one in left]}")
        return held(self.daemon.process.pid)


def held(pid: int) -> Held:
    """What a process holds now."""
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    sockets = sum(link.startswith("socket:") for link in links)
    return Held(len(links), sockets, psutil.Process(pid).memory_info().rss)


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _told(pid: int) -> str:
    """What can be said about a process that should be gone."""
    try:
        told = psutil.Process(pid).as_dict(["cmdline", "status", "ppid", "create_time", "cpu_times"])
    except psutil.Error:
        return f"{pid}, gone by now"
    return f"{pid} {told}"


def _alive(pids: Iterable[int]) -> Iterator[psutil.Process]:
    """Those that have not ended meanwhile."""
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)
