"""The cluster as the supervisor has it: a launcher whose workers run on nodes, through the cluster process.

What is decided is decided elsewhere: which node a worker gets says `pool.nodes.admission`.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial

from ai_pal import __version__
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.client import NodeCard, NodeStatus
from ai_pal.protocol.egress import FromEgress
from ai_pal.protocol.node_facts import completed
from ai_pal.restarts import Restarts
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, OnLine
from ai_pal.server.nodes.remote import RemoteProcess
from ai_pal.server.ports import Clock, Observe

MODULE = "ai_pal.cluster"

AWAITED = 20.0
"""Seconds in which a load waits for a node that does not answer: it may be starting, or busy."""


class Cluster:
    """Implements `Launcher`. `begin` is what the settings say; lines that workers write go to `on_line`."""

    def __init__(
        self, process: EgressProcess, begin: wire.Begin, clock: Clock, observe: Observe, on_line: OnLine
    ) -> None:
        self.process, self._begin = process, begin
        self._clock, self._observe, self._on_line = clock, observe, on_line
        self._workers: dict[str, RemoteProcess] = {}
        self._nodes: tuple[wire.Node, ...] | None = None
        self._silent_since: dict[str, float] = {}
        self._drained: set[str] = set()
        self._stirred: set[str] = set()
        self._failure: Failure | None = None
        self._restarts, self._began = Restarts(), 0.0
        self._start_at: float | None = None
        self._closing = False
        of_workers = (wire.Launched, wire.Line, wire.Used, wire.Supplied, wire.Ended)
        process.join(self, wire.Up, wire.Down, wire.Nodes, *of_workers)

    def start(self) -> None:
        """Have the cluster process, and from now on another whenever it has ended."""
        self._start_at, self._began = None, self._clock.now()
        try:
            self.process.start()
        except AiPalError as error:
            self._failure = error.failure
            self._again()

    # What the admission of loads asks.

    def nodes(self) -> Sequence[wire.Node] | None:
        """All nodes as they were told last; None while there is no engine that could tell."""
        return self._nodes

    def failure(self) -> Failure | None:
        """Why there is none, where that is known."""
        return self._failure

    def may_answer_soon(self, node: str) -> bool:
        """Whether a node that does not answer may do so soon: it has only just ceased to, or is new."""
        return self._clock.now() - self._silent_since.get(node, 0.0) < AWAITED

    def is_drained(self, node: str) -> bool:
        """Whether nothing is to be started there."""
        return node in self._drained

    def stirred(self) -> Collection[str]:
        """Nodes where workers have another amount of memory than when this was asked last."""
        found, self._stirred = self._stirred, set()
        return found

    def drain(self, node: str, *, undo: bool = False) -> None:
        """Start nothing more there, until that is undone or this supervisor ends. Raises `AiPalError`."""
        names = [one.name for one in self._nodes or ()]
        if node not in names and not (undo and node in self._drained):
            fail(
                Code.BAD_REQUEST, f"there is no node {node!r}", f"there are {', '.join(names) or 'none yet'}"
            )
        (self._drained.discard if undo else self._drained.add)(node)

    def statuses(self, usual: frozenset[str] | None = None) -> list[NodeStatus]:
        """The nodes, for people, and whether each has the files of these identities."""
        return [
            NodeStatus(
                node.name, node.free, node.total, node.cores,
                [NodeCard(card.name, card.free, card.total, card.label) for card in node.cards], node.silent,
                self.is_drained(node.name), None if usual is None else usual <= node.files,
                node.version if node.version != __version__ else "",
            )
            for node in self._nodes or ()
        ]  # fmt: skip

    # As a launcher.

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> RemoteProcess:
        """See `base.Launcher`: on the node that `spec` names."""
        place = wire.Place(spec.worker, spec.node, spec.module, spec.args, spec.need, spec.cards, spec.supply)
        if not self.process.send(place):
            fail(Code.SPAWN_FAILED, "the cluster process takes no work now", "ask again", retryable=True)
        carries = partial(self._carries, self.process.identity)
        process = RemoteProcess(spec.worker, spec.node, on_exit, self._signal, carries)
        self._workers[spec.worker] = process
        return process

    def _carries(self, identity: str, pid: int) -> bool:
        return identity == self.process.identity and pid in (0, self.process.pid)

    def _signal(self, worker: str, number: int) -> None:
        self.process.send(wire.Signal(worker, number))

    # As a user of its process.

    @property
    def busy(self) -> bool:
        return bool(self._workers) or not self._closing

    def egress_ready(self) -> None:
        self.process.send(self._begin)

    def egress_gone(self, reason: Failure | None) -> None:
        if self._nodes is None and self._failure is None:  # it never came so far
            self._failure = reason
        self._nodes = None
        workers, self._workers = self._workers, {}
        why = reason.message if reason is not None else "the cluster process was stopped"
        for worker, process in workers.items():
            process.ended(wire.Ended(worker, reason=why, lost=True))
        if not self._closing:
            self._again()

    def egress_message(self, message: FromEgress) -> None:
        match message:
            case wire.Up():
                self._failure = None
                self._observe("cluster_up", engine=message.engine, address=message.address)
            case wire.Down():
                self._failure = message.failure
                self._observe("cluster_down", reason=message.failure.message)
                self.process.stop(message.failure)
            case wire.Nodes():
                self._observe_changes(message.nodes)
                before = {node.name: node for node in self._nodes or ()}
                self._nodes = tuple(completed(node, before.get(node.name)) for node in message.nodes)
            case wire.Launched() if process := self._workers.get(message.worker):
                process.launched(message.pid)
                self._observe("worker_placed", worker=message.worker, node=process.node, pid=message.pid)
            case wire.Line() if message.worker in self._workers:
                self._on_line(message.worker, message.text)
            case wire.Used() if process := self._workers.get(message.worker):
                if process.uses(message):
                    self._stirred.add(process.node)
            case wire.Supplied() if process := self._workers.get(message.worker):
                process.supplied(message)
                self._clock.wake_at(self._clock.now())  # small files are there before anybody looks
            case wire.Ended() if process := self._workers.pop(message.worker, None):
                process.ended(message)
                self.process.rested()

    # Time and end.

    def tick(self) -> None:
        """Do what is due, and ask for the next tick."""
        self.process.tick()
        if self._start_at is None or self._closing:
            return
        if self._clock.now() >= self._start_at:
            self.start()
        else:
            self._clock.wake_at(self._start_at)

    def shutdown(self) -> None:
        """End the process as soon as no worker is left."""
        self._closing = True
        self.process.shutdown()

    def _again(self) -> None:
        now = self._clock.now()
        self._start_at = now + self._restarts.wait(now - self._began)
        self._clock.wake_at(self._start_at)

    def _observe_changes(self, nodes: Sequence[wire.Node]) -> None:
        before = {node.name: node.silent for node in self._nodes or ()}
        for node in nodes:
            if before.get(node.name) is node.silent:
                continue
            self._observe("node_silent" if node.silent else "node_answers", node=node.name)
            if node.silent:
                self._silent_since[node.name] = self._clock.now()
