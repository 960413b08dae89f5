"""Where each worker on a node stands, between the supervisor, the engine and the agents.

A synchronous reactor over three ports: no I/O, and the time is passed in. Whatever happens, a worker that was
placed ends once."""

from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from ai_pal.cluster.engine import Engine
from ai_pal.cluster.leases import NearEnds
from ai_pal.errors import Code
from ai_pal.protocol import cluster as wire

SETTLE = 0.05
"""Seconds between the end of a worker and its report: its last messages go another way."""

GRACE = 0.1
"""Seconds that an agent's own report of its end gets, where the engine was the first to tell."""

KILL_SECONDS = 2.0
"""Seconds after which the agent of a worker that was to be killed is ended by the engine."""


class Port(Protocol):
    """The side of the agents; see `Relay`."""

    address: str
    public: str

    def admit(self, worker: str, key: str) -> None: ...

    def forget(self, worker: str) -> None: ...

    def connected(self, worker: str) -> bool: ...

    def tell(self, worker: str, message: bytes) -> bool: ...

    def beat(self, worker: str) -> None: ...


class Giver(Protocol):
    """Gives agents the files that their nodes lack; see `Giving`."""

    def begin(self, worker: str, supply: wire.Supply) -> None: ...

    def asked(self, worker: str, question: wire.Asked) -> bool: ...

    def forget(self, worker: str) -> None: ...


Tell = Callable[[wire.FromCluster], None]
"""Takes a message to the supervisor."""


class _Placed(msgspec.Struct, eq=False):
    """A worker that was placed. `end` is what will be told of it, at `tell_at`."""

    node: str
    is_admitted: bool = False
    end: wire.Ended | None = None
    tell_at: float = 0.0


class Placements:
    """All workers that were placed and have not ended. With thousands of them a tick looks only at those that
    something is due of."""

    def __init__(self, engine: Engine, port: Port, giver: Giver, tell: Tell, version: str) -> None:
        self._engine, self._port, self._giver, self._tell = engine, port, giver, tell
        self._version = version
        self._placed: dict[str, _Placed] = {}
        self._near = NearEnds()
        self._kill_by: dict[str, float] = {}
        self._ending: dict[str, _Placed] = {}

    def __len__(self) -> int:
        return len(self._placed)

    # The supervisor.

    def place(self, message: wire.Place) -> None:
        """Have an agent for this worker. A name that is taken is ignored: its first owner ends once."""
        if message.worker in self._placed:
            return
        self._placed[message.worker] = _Placed(message.node)
        ticket = wire.Ticket(
            message.worker, message.node, self._port.address, self._port.public, message.module,
            message.args, message.need, message.cards, message.supply,
        )  # fmt: skip
        if message.supply is not None:
            self._giver.begin(message.worker, message.supply)
        self._engine.start(ticket)

    def signal(self, message: wire.Signal, now: float) -> None:
        """Pass on a signal; who cannot be told is ended by the engine."""
        placed = self._open(message.worker)
        if placed is None:
            return
        if not self._port.connected(message.worker):
            self._end(message.worker, placed, wire.Ended(message.worker, signal=message.number), now)
            return
        told = self._port.tell(message.worker, wire.encode(message))
        if message.number == wire.KILL:
            self._kill_by.setdefault(message.worker, now + (KILL_SECONDS if told else 0.0))

    # The engine.

    def admitted(self, worker: str, key: str, now: float) -> None:
        """Its agent is there: let it in."""
        placed = self._open(worker)
        if placed is not None and not placed.is_admitted:
            placed.is_admitted = True
            self._near.add(worker, now)
            self._port.admit(worker, key)

    def refused(self, worker: str, reason: str, cause: Code | None, now: float) -> None:
        """The engine could not place it."""
        if placed := self._open(worker):
            self._end(worker, placed, wire.Ended(worker, reason=reason, refused=True, cause=cause), now)

    def lost(self, worker: str, reason: str, now: float) -> None:
        """Its agent has gone; what it has said of that itself, if anything, is on its way."""
        if placed := self._open(worker):
            why = f"its agent on node {placed.node} has gone: {reason}"
            self._end(worker, placed, wire.Ended(worker, reason=why, lost=True), now + GRACE - SETTLE)

    def fell_silent(self, nodes: Collection[str], now: float) -> None:
        """These nodes do not answer: no agent comes from there any more that is not there yet."""
        for worker, placed in self._placed.items() if nodes else ():
            if placed.node in nodes and not placed.is_admitted and placed.end is None:
                why = f"node {placed.node} ceased to answer before its agent was there"
                self._end(worker, placed, wire.Ended(worker, reason=why, lost=True), now)

    # Agents.

    def heard(self, worker: str) -> None:
        """Something came from its agent."""
        self._near.heard(worker)

    def heard_all(self) -> None:
        """Nothing was read for a while, so nobody's silence tells anything."""
        self._near.heard_all()

    def said(self, worker: str, message: wire.FromAgent, now: float) -> None:
        """A message of its agent's, which speaks for its own worker alone."""
        placed = self._placed.get(worker)
        if placed is None or message.worker != worker:
            return
        match message:
            case wire.Greeting():
                if message.version == self._version:
                    self._port.tell(worker, wire.encode(wire.Welcome(message.number)))
                elif placed.end is None:
                    has = f"node {placed.node} has AI-PAL {message.version}, this is {self._version}"
                    end = wire.Ended(worker, reason=has, refused=True, cause=Code.NO_NODE)
                    self._end(worker, placed, end, now)
            case wire.Ended():
                if placed.end is None or placed.end.lost:
                    self._end(worker, placed, message, now)
            case wire.AskHash() | wire.AskPiece():
                if not self._giver.asked(worker, message):
                    self.broken(worker, now)
            case _:
                self._tell(message)

    def broken(self, worker: str, now: float) -> None:
        """Its agent said what cannot be read: nothing more is believed of it."""
        if placed := self._open(worker):
            why = f"its agent on node {placed.node} broke the rules of the conversation"
            self._end(worker, placed, wire.Ended(worker, reason=why, lost=True), now)

    # Time.

    def tick(self, now: float) -> None:
        """Beat, notice who is silent, tell what is due; to be called every `leases.LOOK` seconds."""
        for worker, placed in list(self._ending.items()):
            if placed.end is not None and now >= placed.tell_at:
                self._finish(worker, placed.end)
        for worker in [worker for worker, when in self._kill_by.items() if now >= when]:
            self._end(worker, self._placed[worker], wire.Ended(worker, signal=wire.KILL), now)
        due, silent = self._near.look(now)
        for worker in due:
            self._port.beat(worker)
        for worker in silent:
            why = f"nothing came from node {self._placed[worker].node} for 3 s"
            self._end(worker, self._placed[worker], wire.Ended(worker, reason=why, lost=True), now)

    def _open(self, worker: str) -> _Placed | None:
        placed = self._placed.get(worker)
        return placed if placed is not None and placed.end is None else None

    def _end(self, worker: str, placed: _Placed, end: wire.Ended, now: float) -> None:
        placed.end, placed.tell_at = end, now + SETTLE
        self._ending[worker] = placed
        self._near.drop(worker)
        self._kill_by.pop(worker, None)

    def _finish(self, worker: str, end: wire.Ended) -> None:
        del self._placed[worker], self._ending[worker]
        self._port.forget(worker)
        self._giver.forget(worker)
        self._engine.stop(worker)
        self._tell(end)
