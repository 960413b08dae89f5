"""Where workers run: on this machine, or on the nodes of a cluster. Chosen once, by the settings."""

from collections.abc import Sequence
from typing import NoReturn, Protocol

from ai_pal.config import paths
from ai_pal.config.current import CurrentSettings
from ai_pal.errors import Code, fail
from ai_pal.memory.cards_here import CardsHere
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.memory.machine import MachineMemory
from ai_pal.memory.promises import PromiseFile
from ai_pal.protocol.client import NodeStatus
from ai_pal.server.app.policies import memory_policy
from ai_pal.server.children.egress import EgressProcess, Send
from ai_pal.server.nodes.base import Launcher, OnLine
from ai_pal.server.pool.admission.admission import Admission
from ai_pal.server.pool.admission.controller import Admits
from ai_pal.server.ports import Clock, Observe


class WorkerNodes(Protocol):
    """What the supervisor wants of the place where its workers run. `outgoing` are the processes that it
    keeps for that; `remote`: what its workers read leaves this machine."""

    remote: bool

    @property
    def launcher(self) -> Launcher: ...

    @property
    def admission(self) -> Admits: ...

    @property
    def outgoing(self) -> Sequence[EgressProcess]: ...

    def stays(self, *, bound: bool) -> bool:
        """Whether what is `bound` to this machine, or to the user's machines, or is not, is for a worker on
        this machine, where the others run elsewhere."""

    def statuses(self) -> list[NodeStatus]:
        """The nodes of a cluster, for people."""

    def drain(self, node: str, *, undo: bool = False) -> None:
        """Start nothing more on a node, until that is undone. Raises `AiPalError`."""

    def start(self) -> None:
        """Clients can connect now."""

    def tick(self) -> None:
        """Do what is due, and ask for the next tick."""

    def shutdown(self) -> None:
        """End what it keeps as soon as no worker is left."""

    def close(self) -> None:
        """Claim nothing any more."""


class ThisMachine:
    """Implements `WorkerNodes`: without a cluster."""

    outgoing = ()
    remote = False

    def __init__(self, current: CurrentSettings, launcher: Launcher, memory: MachineMemory) -> None:
        self.launcher, self._promises = launcher, PromiseFile(paths.ledger_file())
        self.admission = admission_here(current, memory, self._promises)

    def stays(self, *, bound: bool) -> bool:
        """There are no others."""
        return False

    def statuses(self) -> list[NodeStatus]:
        return []

    def drain(self, node: str, *, undo: bool = False) -> NoReturn:
        fail(Code.BAD_REQUEST, "there is no cluster", "it is about nodes of a cluster: ai-pal cluster --help")

    def start(self) -> None:
        """Nothing runs beside its workers."""

    def tick(self) -> None:
        """Nothing is ever due."""

    def shutdown(self) -> None:
        """Nothing runs beside its workers."""

    def close(self) -> None:
        self._promises.close()


def admission_here(current: CurrentSettings, memory: MachineMemory, promises: PromiseFile) -> Admission:
    """Who may load on this machine."""
    footprints, policy = LearnedFootprints(paths.peaks_file()), memory_policy(current.settings)
    return Admission(memory, promises, footprints, policy, CardsHere())


def worker_nodes(
    current: CurrentSettings,
    launcher: Launcher,
    memory: MachineMemory,
    send: Send,
    clock: Clock,
    observe: Observe,
    on_line: OnLine,
) -> WorkerNodes:
    """What the settings name, not started yet; `launcher` starts processes on this machine."""
    if not current.settings.cluster.on:
        return ThisMachine(current, launcher, memory)
    from ai_pal.server.app.cluster import ClusterNodes

    here = admission_here(current, memory, promises := PromiseFile(paths.ledger_file()))
    return ClusterNodes(current, launcher, here, promises, send, clock, observe, on_line)
