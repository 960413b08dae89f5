"""A real Ray cluster on loopback, each node with raylet and agents of its own, in a process that holds it.

Ports are chosen beforehand: a raylet that waits for its agents to choose theirs gives up after 15 s, which is
too short for a machine that is busy."""

import importlib.util
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil

from tests import made_up_cards
from tests.process.homes import Environ

TOKEN = secrets.token_hex(32)
"""What lets in: one for all clusters of a test process, for a driver reads it once."""

TRIES = 3
"""A port may be taken by others between its choice and its use."""

PORTS = (
    *("node_manager_port", "object_manager_port", "metrics_agent_port"),
    *("dashboard_agent_listen_port", "metrics_export_port", "runtime_env_agent_port"),
)
SMALL = {
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 80_000_000,
    "num_cpus": 0,
    "include_log_monitor": False,
}


def is_here() -> bool:
    """Whether Ray is installed."""
    return importlib.util.find_spec("ray") is not None


class RayCluster:
    """A head and other nodes, which have `memory` to give out and end with it. `environ` lets people in."""

    def __init__(
        self,
        head: str,
        *others: str,
        memory: int = 4 << 30,
        head_memory: int | None = None,
        cards: Mapping[str, str] | None = None,
    ) -> None:
        """`cards` are made up, by node: see `tests.made_up_cards`."""
        self.folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # short: sockets lie in it
        token = self.folder / "token"
        token.write_text(TOKEN)
        self.environ: Environ = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": str(self.folder),
        }
        self._cards = cards or {}
        self._memory, self._head_memory = memory, memory if head_memory is None else head_memory
        self._start(head)
        for name in others:
            self.add(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str) -> None:
        """Start another node, or one again that was killed."""
        self._ask("add", name, self._memory, self._cards.get(name, ""))

    def kill(self, name: str) -> None:
        """Kill everything of this node at once."""
        self._ask("kill", name)

    def processes(self, name: str, actor: str) -> list[psutil.Process]:
        """What runs this kind of actor on a node."""
        found = []
        for pid in self._ask("raylets", name):
            with suppress(psutil.NoSuchProcess):
                found += [one for one in psutil.Process(pid).children(recursive=True) if _runs(one, actor)]
        return found

    def close(self) -> None:
        """End all of it."""
        self._let_go()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, head: str) -> None:
        for left in reversed(range(TRIES)):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.ray_cluster"],
                env=os.environ | self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                process_group=0, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            try:
                self.address = str(self._ask("head", head, self._head_memory, self._cards.get(head, "")))
            except AssertionError:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
                self._let_go()
                if not left:
                    raise
            else:
                return

    def _let_go(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # what was not written yet, nobody reads
                stream.close()

    def _ask(self, *words: object) -> Any:
        """Have the process do something; what it says."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(words) + "\n")
        stdin.flush()
        while line := stdout.readline():
            if line.startswith("{"):
                said = json.loads(line)
                assert "error" not in said, said["error"]
                return said["ok"]
        raise AssertionError(f"the Ray cluster has ended with {self._process.wait()}")


class _Holder:
    """What the process does."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster, self._nodes = Cluster(), dict[str, Any]()

    def head(self, name: str, memory: int, cards: str) -> str:
        (port,) = free_ports(1)
        self._add(name, memory, cards, gcs_server_port=port, include_dashboard=False)
        return str(self._cluster.address)

    def add(self, name: str, memory: int, cards: str) -> None:
        for left in reversed(range(TRIES)):
            try:
                return self._add(name, memory, cards)
            except Exception:
                if not left:
                    raise
        return None

    def kill(self, name: str) -> None:
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def raylets(self, name: str) -> list[int]:
        return [one.process.pid for one in self._nodes[name].all_processes["raylet"]]

    def _add(self, name: str, memory: int, cards: str, **more: object) -> None:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        os.environ["HOME"] = str(Path(os.environ["RAY_TMPDIR"], name))  # of its own, as on a host of its own
        os.makedirs(os.environ["HOME"], exist_ok=True)
        os.environ.update(made_up_cards.environment(cards))
        more |= {"num_gpus": len(cards.split(",")) if cards else 0}
        self._nodes[name] = self._cluster.add_node(node_name=name, memory=memory, **SMALL, **ports, **more)


def _runs(process: psutil.Process, actor: str) -> bool:
    try:
        return any(f"ray::{actor}" in word for word in process.cmdline())
    except psutil.Error:
        return False


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, below those that connections get."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


def main() -> None:
    """Do what stdin says until it ends."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # a test process keeps to one core, and Ray is many
    said = os.dup(1)
    os.dup2(2, 1)
    holder = _Holder()
    for line in sys.stdin:
        what, *words = json.loads(line)
        try:
            answer = {"ok": getattr(holder, what)(*words)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(said, json.dumps(answer).encode() + b"\n")
    os.killpg(0, signal.SIGKILL)  # at once, and with all that Ray has started in this group


if __name__ == "__main__":
    main()
