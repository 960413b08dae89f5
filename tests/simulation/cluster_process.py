"""The cluster process of the simulated cluster: the real placements and leases between an engine that notices
late, and a port that lets in by key."""

import random
from collections.abc import Callable
from typing import Protocol

from ai_pal.cluster import leases
from ai_pal.cluster.engine import START_SECONDS
from ai_pal.cluster.placements import Placements
from ai_pal.errors import Code
from ai_pal.protocol import cluster as wire
from ai_pal.protocol.cluster import Node, Ticket
from tests.simulation.clock import VirtualTime
from tests.simulation.cluster_agent import Agent, Frame
from tests.simulation.cluster_hosts import Host, Stream, Way

SURELY_SILENT = leases.SILENCE - 0.6
"""Seconds in which nothing can have come from whom silence is said of: a stand-still before the
last sign of life may count as one step."""

DECIDED = 0.2
"""Seconds before it is told that an end was decided, at most: what comes meanwhile is too late."""

GONE_LATE = 20.0
"""Seconds that an engine may take to notice what has gone."""


class World(Protocol):
    """What is around it; see `cluster_world`."""

    time: VirtualTime
    dice: random.Random
    near: Host
    places: "dict[str, Place]"
    links: "dict[str, Link]"
    started: set[str]
    ended_at: dict[str, float]

    def expect(self, good: bool, what: str) -> None: ...

    def near_does(self, process: "ClusterProcess", call: Callable[[], None]) -> None: ...

    def told(self, end: wire.Ended) -> None: ...

    def kill_there(self, link: "Link") -> None: ...

    def disconnect(self, link: "Link") -> None: ...


class Place:
    """A node: its host, the ways to it and from it, and whether its engine reaches it."""

    def __init__(self, time: VirtualTime, dice: random.Random, name: str) -> None:
        self.name, self.host = name, Host(time, dice)
        self.up, self.down, self.by_engine = (Way(time, dice) for _ in range(3))


class Link:
    """An agent and its connection; `up` and `down` are there once the port has let it in."""

    def __init__(self, place: Place, key: str) -> None:
        self.place, self.key = place, key
        self.agent: Agent | None = None
        self.up: Stream[Frame] | None = None
        self.down: Stream[Frame] | None = None
        self.before: list[Frame] = []
        self.is_broken = False


class ClusterProcess:
    """One life of the cluster process: engine, port and placements."""

    name, address, public = "simulated", "tcp://near:1", "the port's key"

    def __init__(self, world: World) -> None:
        self._world, self._time, self._dice = world, world.time, world.dice
        self.host = world.near
        self.is_there = True
        self._links: dict[str, Link] = {}
        self._allowed: dict[str, str] = {}
        self._stopped: set[str] = set()
        self._told: set[str] = set()
        self._heard_at: dict[str, list[tuple[float, float]]] = {}
        self.placements = Placements(self, self, self, self._tell, "1")
        self._tick()

    # As the engine.

    def nodes(self) -> tuple[Node, ...]:
        return tuple(Node(name) for name in self._world.places)

    def start(self, ticket: Ticket) -> None:
        worker = ticket.worker
        self._world.expect(worker not in self._world.started, f"{worker} was started twice")
        self._world.started.add(worker)
        if ticket.node not in self._world.places:
            return self._world.near_does(self, lambda: self._lost(worker, refused=True))
        place = self._world.places[ticket.node]
        link = self._links[worker] = Link(place, f"key of {worker}")
        self._world.links[worker] = link
        seconds = self._dice.uniform(0.2, 2.0)
        self._time.after(seconds, lambda: place.by_engine.carry(lambda: place.host.do(begin)))
        self._time.after(START_SECONDS, lambda: self._lost(worker) if link.agent is None else None)

        def begin() -> None:
            if not self.is_there or worker in self._stopped or worker in self._told:
                return
            link.agent = Agent(place.host, self._dice, ticket, lambda frame: self._up(link, frame), gone)
            link.agent.begin()
            self._connect(link, worker)
            self._time.after(
                self._dice.uniform(0.0, 0.3),
                lambda: place.by_engine.carry(lambda: self._world.near_does(self, admitted)),
            )

        def admitted() -> None:
            if worker not in self._told:
                self.placements.admitted(worker, link.key, self.host.now())

        def gone() -> None:
            late = GONE_LATE if self._dice.random() < 0.2 else 0.5
            self._time.after(
                self._dice.uniform(0.0, late),
                lambda: place.by_engine.carry(
                    lambda: self._world.near_does(self, lambda: self._lost(worker))
                ),
            )

        return None

    def stop(self, worker: str) -> None:
        """Here it is given up at once; there its agent ends when that can be told."""
        if worker in self._stopped or worker not in self._links:
            return
        self._stopped.add(worker)
        link = self._links[worker]
        self._time.after(self._dice.uniform(0.0, 0.5), lambda: self._world.kill_there(link))
        self._time.after(0.5, lambda: self._world.near_does(self, lambda: self._lost(worker)))

    def close(self) -> None:
        for worker in self._links:
            self.stop(worker)

    def _lost(self, worker: str, *, refused: bool = False) -> None:
        if worker not in self._told:
            self._told.add(worker)
            now = self.host.now()
            if refused:
                self.placements.refused(worker, "simulated", Code.NO_NODE, now)
            else:
                self.placements.lost(worker, "simulated", now)

    # As the port.

    def admit(self, worker: str, key: str) -> None:
        self._allowed[key] = worker

    def forget(self, worker: str) -> None:
        self._allowed = {key: whose for key, whose in self._allowed.items() if whose != worker}

    def connected(self, worker: str) -> bool:
        return self._is_open(worker) and worker in self._heard_at

    def tell(self, worker: str, message: bytes) -> bool:
        return self._down(worker, wire.decode_to_agent(message))

    def beat(self, worker: str) -> None:
        self._down(worker, None)

    # As who gives files: nobody asks for any.

    def begin(self, worker: str, supply: wire.Supply) -> None: ...

    def asked(self, worker: str, question: wire.Asked) -> bool:
        return False

    def _is_open(self, worker: str) -> bool:
        return worker in self._allowed.values()

    def _down(self, worker: str, frame: Frame) -> bool:
        link = self._links[worker]
        if not self._is_open(worker) or link.down is None:
            return False
        link.down.send(frame)
        return True

    def _up(self, link: Link, frame: Frame) -> None:
        (link.before.append if link.up is None else link.up.send)(frame)

    def _connect(self, link: Link, worker: str) -> None:
        """Try until the key is known and both directions are there."""
        agent = link.agent
        if agent is None or agent.is_over or not self.is_there:
            return
        if self._allowed.get(link.key) != worker or link.place.up.is_cut or link.place.down.is_cut:
            self._time.after(self._dice.uniform(0.05, 0.5), lambda: self._connect(link, worker))
            return
        link.up = Stream(self._time, link.place.up, self.host, lambda frame: self._take(worker, frame))
        link.down = Stream(self._time, link.place.down, link.place.host, agent.take)
        before, link.before = link.before, []
        for frame in before:
            link.up.send(frame)

    def _take(self, worker: str, frame: Frame) -> None:
        if not self.is_there or not self._is_open(worker):
            return
        self._heard_at.setdefault(worker, []).append((self.host.ran(), self._time.now()))
        self.placements.heard(worker)
        if isinstance(frame, wire.FromAgent):
            self.placements.said(worker, frame, self.host.now())

    # Life and end.

    def die(self) -> None:
        """Its connections are closed, and its commands to nodes end."""
        self.is_there = False
        for worker, link in self._links.items():
            self._world.ended_at.setdefault(worker, link.place.host.ran())
            self._world.disconnect(link)
            self._world.kill_there(link)

    def _tick(self) -> None:
        if self.is_there:
            self.placements.tick(self.host.now())
            self.host.after(leases.LOOK + self._dice.uniform(0.0, 0.02), self._tick)

    def _tell(self, message: wire.FromCluster) -> None:
        if isinstance(message, wire.Ended):
            if message.reason.startswith("nothing came"):
                silent = self._time.now() - self._heard_before_it_was_decided(message.worker)
                self._world.expect(silent > SURELY_SILENT, f"{message.worker} was heard {silent:.2f} s ago")
            self._world.told(message)

    def _heard_before_it_was_decided(self, worker: str) -> float:
        decided = self.host.ran() - DECIDED
        return max((at for ran, at in self._heard_at.get(worker, ()) if ran <= decided), default=0.0)
