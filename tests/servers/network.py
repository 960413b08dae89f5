"""Network namespaces as hosts on a switch, each with a line that can be cut without a word.

It takes root, and `ip`."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

SPACES = Path("/run/netns")
ETHERNET = "eth0"


def is_here() -> bool:
    """Whether namespaces can be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    return (
        subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True, timeout=30).returncode
        == 0
    )


class Network:
    """Hosts by their addresses; with `here` the machine itself is one of them. `name` begins the names of all
    that is made, in the whole machine: at most 10 characters."""

    def __init__(self, name: str, hosts: Mapping[str, str], here: str = "") -> None:
        self._name, self._hosts, self._here = name, dict(hosts), here
        self._switch = f"{name}-switch"

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def words(self, host: str) -> list[str]:
        """What begins a command that is to run on this host."""
        return ["ip", "netns", "exec", self._space(host)]

    def cut(self, host: str) -> None:
        """From now on nothing comes from this host or to it, and nobody is told."""
        _ip("-n", self._switch, "link", "set", _port(host), "down")

    def mend(self, host: str) -> None:
        _ip("-n", self._switch, "link", "set", _port(host), "up")

    def pids(self, host: str) -> list[int]:
        """What runs there."""
        return _pids(self._space(host))

    def switch_off(self, host: str) -> None:
        """Everything there ends, also what is starting just now, without another word: connections too."""
        _ip("-n", self._switch, "link", "delete", _port(host))
        _end(self._space(host))

    def switch_on(self, host: str) -> None:
        self._add(host, self._hosts[host])

    def close(self) -> None:
        for space in (*map(self._space, self._hosts), self._switch):
            if (SPACES / space).exists():
                _end(space)

    def _build(self) -> None:
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "bridge", "up")
        for host, address in self._hosts.items():
            self._add(host, address)
        if self._here:
            self._plug("to-here", self._name, "", self._here)

    def _add(self, host: str, address: str) -> None:
        space = self._space(host)
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        self._plug(_port(host), ETHERNET, space, address)

    def _plug(self, port: str, end: str, space: str, address: str) -> None:
        """A cable from the switch to a host, the machine itself where it has no name. Its card is always the
        same: of another one its neighbours learn late, when a host is switched on."""
        there = ["-n", space] if space else []
        card = ":".join(["02", "00", *(f"{int(part):02x}" for part in address.split("."))])
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", end,
            "address", card, "netns", space or str(os.getpid()))  # fmt: skip
        _ip("-n", self._switch, "link", "set", port, "master", "bridge", "up")
        _ip(*there, "address", "add", f"{address}/24", "dev", end)
        _ip(*there, "link", "set", end, "up")

    def _space(self, host: str) -> str:
        return f"{self._name}-{host}"


def _port(host: str) -> str:
    return f"to-{host}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


def _pids(space: str) -> list[int]:
    wanted, found = os.stat(SPACES / space).st_ino, []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}/ns/net").st_ino == wanted:
                found.append(pid)
    return found


def _end(space: str) -> None:
    """Nothing of it is left."""
    while pids := _pids(space):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _ip("netns", "delete", space)
