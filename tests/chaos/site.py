"""Machines of a cluster that are meant to be lost: hosts on a network of their own, reached by `ssh`."""

import functools
import os
import socket
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.process.supervised import gone
from tests.servers import network, sshd
from tests.servers.network import Network
from tests.servers.sshd import SecondMachine

AGENT, WORKER = "ai_pal.cluster.agent", "workers"
HOSTS = ("a", "b")
SUBNETS = 250
_held: list[socket.socket] = []


class Site(Protocol):
    """This machine and the hosts. One is lost by its line, which says nothing more, or with all that runs on
    it: no connection of it is closed either."""

    def workers(self, hosts: Iterable[str] = HOSTS) -> list[int]: ...

    def agents(self, hosts: Iterable[str] = HOSTS) -> list[int]: ...

    def cut(self, host: str) -> None: ...

    def mend(self, host: str) -> None: ...

    def switch_off(self, host: str) -> None: ...

    def switch_on(self, host: str) -> None: ...


def is_here() -> bool:
    """Whether such hosts can be had on this machine."""
    return network.is_here() and sshd.is_here()


def network_of(hosts: Iterable[str]) -> tuple[Network, dict[str, str], str]:
    """A network of this process's own, the addresses of the hosts, and that of this machine."""
    subnet = _subnet()
    addresses = {host: f"{subnet}.{number}" for number, host in enumerate(hosts, 2)}
    return Network(f"pal{os.getpid() % 1_000_000}", addresses, f"{subnet}.1"), addresses, f"{subnet}.1"


@functools.cache
def _subnet() -> str:
    """That of this process, as long as it lives."""
    number, held = reserved()
    _held.append(held)
    return f"10.213.{number}"


def reserved() -> tuple[int, socket.socket]:
    """The number of a subnet that nobody else on this machine has while this socket is open."""
    for number in range(os.getpid(), os.getpid() + SUBNETS):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0ai-pal-subnet-{number % SUBNETS + 1}")
        except OSError:
            held.close()
        else:
            return number % SUBNETS + 1, held
    raise AssertionError(f"all {SUBNETS} subnets are taken")


class SshSite:
    """Implements `Site`, with an SSH server on each host."""

    def __init__(self) -> None:
        self._network, self._addresses, self._here = network_of(HOSTS)
        self._boxes: dict[str, SecondMachine] = {}
        self._kept = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as kept:
            kept.enter_context(self._network)
            for host, address in self._addresses.items():
                box = SecondMachine(address, self._network.words(host))
                self._boxes[host] = kept.enter_context(box)
            self._kept = kept.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()

    @property
    def config(self) -> str:
        """What a supervisor on this machine has to know of it."""
        nodes = [f"{host} = '''{box.python}'''" for host, box in self._boxes.items()]
        lines = ["[cluster]", 'engine = "command"', f'listen = "{self._here}:*"', "[cluster.nodes]", *nodes]
        return "\n".join(lines) + "\n"

    def workers(self, hosts: Iterable[str] = HOSTS) -> list[int]:
        return self._running(WORKER, hosts)

    def agents(self, hosts: Iterable[str] = HOSTS) -> list[int]:
        return self._running(AGENT, hosts)

    def cut(self, host: str) -> None:
        self._network.cut(host)

    def mend(self, host: str) -> None:
        self._network.mend(host)

    def switch_off(self, host: str) -> None:
        self._network.switch_off(host)

    def switch_on(self, host: str) -> None:
        self._network.switch_on(host)
        self._boxes[host].stop_server()
        self._boxes[host].start_server()

    def _running(self, module: str, hosts: Iterable[str]) -> list[int]:
        """What runs this module of Python."""
        return [pid for host in hosts for pid in self._network.pids(host) if module in words_at(pid)]


def words_at(pid: int) -> list[str]:
    """The command of a process; none of one that has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0") if not gone(pid) else []
    return []
