"""How the supervisor, its workers and its nodes stand."""

import msgspec

from ai_pal.protocol.client.answers import Event
from ai_pal.protocol.options import Ability

KEPT_HERE = " (here)"
"""Ends the name of a worker of this machine where the others run on nodes: for what may not leave it."""


class WorkerStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A worker of a model; one of several is called by its number too, `MODEL#2`, which is its `replica`.
    Memory is resident bytes, `reserved` the bytes it was estimated to need at most;
    `abilities` is what it can be asked for, where that is known; `idle_for` and `unloads_in` are seconds.
    Of a `vocabulary` no weights are loaded: it counts tokens, and `model` says so. It computes with so many
    `threads`, 0 while that is not known. `node` is where it runs, empty for this machine. `calibrating` tells
    how far it is with the questions by which its doubts are judged, nil while it is asked none."""

    model: str
    state: str
    engine: str = ""
    pid: int | None = None
    progress: float = 0.0
    memory: int = 0
    active: int = 0
    queued: int = 0
    requests: int = 0
    restarts: int = 0
    context: int = 0
    slots: int = 0
    idle_for: float | None = None
    unloads_in: float | None = None
    keep_alive: float = 0.0
    reason: str = ""
    reserved: int = 0
    pinned: bool = False
    abilities: list[Ability] = msgspec.field(default_factory=list)
    vocabulary: bool = False
    threads: int = 0
    node: str = ""
    calibrating: float | None = None
    replica: int = 1

    @property
    def asked_as(self) -> str:
        """The name of its model, by which it is asked."""
        if self.replica > 1:
            return self.model.removesuffix(f"#{self.replica}")
        return self.model.removesuffix(KEPT_HERE)


class NodeCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A graphics card of a node, with bytes of its own memory; `label` is what it is sold as."""

    name: str
    free: int = 0
    total: int = 0
    label: str = ""


class NodeStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node that workers can run on. Bytes of memory that processes can have, `free` and in all; one that is
    `silent` does not answer now, and all else is what it told last. On one that is `drained` nothing is
    started, nor on one with an `other_version` of AI-PAL than this one has. `usual`: it has the files of the
    usual model; None: nobody knows."""

    name: str
    free: int = 0
    total: int = 0
    cores: int = 0
    cards: list[NodeCard] = msgspec.field(default_factory=list)
    silent: bool = False
    drained: bool = False
    usual: bool | None = None
    other_version: str = ""


class Gateway(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client that answers others at this address, by its own word; `pid` is 0 where the system does not
    tell."""

    address: str
    pid: int = 0


class StatusReply(Event, tag="status_reply", frozen=True):
    """The supervisor and its workers. `uptime` in seconds, `memory` in resident bytes; so many models had to
    make room since it began (`evictions`)."""

    id: int
    version: str
    pid: int
    uptime: float
    endpoint: str
    auto_started: bool = False
    clients: int = 0
    memory: int = 0
    workers: list[WorkerStatus] = msgspec.field(default_factory=list)
    gateways: list[Gateway] = msgspec.field(default_factory=list)
    nodes: list[NodeStatus] = msgspec.field(default_factory=list)
    evictions: int = 0
