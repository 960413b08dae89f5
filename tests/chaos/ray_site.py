"""Machines of a Ray cluster that are meant to be lost: hosts on a network of their own, this one its head."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.chaos.laboratory import send
from tests.chaos.site import HOSTS, WORKER, network_of, words_at
from tests.process.homes import Environ
from tests.servers import network, ray_cluster
from tests.servers.ray_cluster import free_ports

HEAD = "head"
NO_MODEL = "--memory=1000000"
START_SECONDS = 120.0
AGENT, RAYLET, GCS = "ray::Agent", "raylet", "gcs_server"
OPTIONS = (
    *("node-manager-port", "object-manager-port", "dashboard-agent-listen-port"),
    *("dashboard-agent-grpc-port", "metrics-export-port", "runtime-env-agent-port"),
)
"""Ports that are known beforehand: a raylet waits only so long for agents that choose theirs."""


def is_here() -> bool:
    """Whether such hosts can be had on this machine."""
    return network.is_here() and ray_cluster.is_here()


class RaySite:
    """Implements `Site`. `environ` lets this machine in."""

    def __init__(self) -> None:
        self._network, self._addresses, here = network_of(HOSTS)
        self._addresses[HEAD] = here
        self._folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # short: sockets lie in it
        (self._folder / "token").write_text(secrets.token_hex(32))
        self._port = free_ports(1)[0]
        self.environ = {name: value for name, value in self._environ(HEAD).items() if name.startswith("RAY_")}
        self._kept = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as kept:
            kept.callback(shutil.rmtree, self._folder, ignore_errors=True)
            kept.enter_context(self._network)
            kept.callback(self.stop)
            self.start()
            self._kept = kept.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    @property
    def config(self) -> str:
        """What a supervisor on this machine has to know of it."""
        here = self._addresses[HEAD]
        return f'[cluster]\nengine = "ray"\naddress = "{here}:{self._port}"\nlisten = "{here}:*"\n'

    def start(self) -> None:
        """All of it."""
        for host in (HEAD, *HOSTS):
            self._start(host)

    def stop(self) -> None:
        """End all of it, at once."""
        for host in (HEAD, *HOSTS):
            for pid in self._all(host):
                send(pid, signal.SIGKILL)

    def workers(self, hosts: Iterable[str] = HOSTS) -> list[int]:
        return [pid for host in hosts for pid in self._network.pids(host) if WORKER in words_at(pid)]

    def agents(self, hosts: Iterable[str] = HOSTS) -> list[int]:
        return [pid for host in hosts for pid in self._network.pids(host) if _begins(pid, AGENT)]

    def raylets(self, host: str) -> list[int]:
        return [pid for pid in self._all(host) if _is_program(pid, RAYLET)]

    def heads(self) -> list[int]:
        """The process that knows the whole cluster."""
        return [pid for pid in self._all(HEAD) if _is_program(pid, GCS)]

    def cut(self, host: str) -> None:
        self._network.cut(host)

    def mend(self, host: str) -> None:
        self._network.mend(host)

    def switch_off(self, host: str) -> None:
        self._network.switch_off(host)

    def switch_on(self, host: str) -> None:
        self._network.switch_on(host)
        self._start(host)

    def start_again(self, host: str) -> None:
        """A node of which something is left."""
        for pid in self._all(host):
            send(pid, signal.SIGKILL)
        self._start(host)

    def _start(self, host: str) -> None:
        where = ["--head", f"--port={self._port}", "--include-dashboard=false", NO_MODEL]
        if host != HEAD:
            where = [f"--address={self._addresses[HEAD]}:{self._port}"]
        ports = [f"--{option}={port}" for option, port in zip(OPTIONS, free_ports(len(OPTIONS)), strict=True)]
        within = [] if host == HEAD else self._network.words(host)
        command = [
            *within, sys.executable, "-m", "ray.scripts.scripts", "start", *where, *ports,
            f"--node-ip-address={self._addresses[host]}", f"--node-name={host}",
            "--object-store-memory=80000000", "--num-cpus=0", "--min-worker-port=0", "--max-worker-port=0",
        ]  # fmt: skip
        subprocess.run(
            command, check=True, env=self._environ(host), stdout=subprocess.DEVNULL, timeout=START_SECONDS
        )

    def _environ(self, host: str) -> Environ:
        home = self._folder / host
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AI_PAL_HOME": str(home),
            "RAY_TMPDIR": str(home),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._folder / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
            "RAY_memory_monitor_refresh_ms": "0",
        }

    def _all(self, host: str) -> list[int]:
        """Of this machine only what Ray's head has started."""
        if host != HEAD:
            return self._network.pids(host)
        mine, found = str(self._folder / HEAD), []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOME") == mine:
                    found.append(process.pid)
            except (psutil.Error, OSError):
                continue
        return found


def _is_program(pid: int, name: str) -> bool:
    words = words_at(pid)
    return bool(words) and words[0].endswith(f"/{name}")


def _begins(pid: int, title: str) -> bool:
    words = words_at(pid)
    return bool(words) and words[0].startswith(title)
