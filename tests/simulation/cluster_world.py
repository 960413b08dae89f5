"""A simulated cluster: what is done to it, and what must never happen in it."""

import random
from collections import Counter
from collections.abc import Callable

from ai_pal.protocol import cluster as wire
from tests.simulation.checks import ViolationError
from tests.simulation.clock import VirtualTime
from tests.simulation.cluster_agent import Agent
from tests.simulation.cluster_hosts import Host, Way
from tests.simulation.cluster_process import ClusterProcess, Link, Place

NODES = ("a", "b", "c")
ACTIVE, QUIET = 40.0, 60.0
"""Seconds in which things happen, and after which all has come to its end."""

DEEDS = 40
SURELY_OVER = 3.0
"""Seconds of computing that are left, at most, to whom an end was told of."""


class World:
    """One history, drawn by its seed."""

    def __init__(self, seed: int) -> None:
        self.time, self.dice = VirtualTime(), random.Random(seed)
        self.near = Host(self.time, self.dice)
        self.places = {name: Place(self.time, self.dice, name) for name in NODES}
        self.links: dict[str, Link] = {}
        self.started: set[str] = set()
        self._orphans: set[str] = set()
        self.ended_at: dict[str, float] = {}
        self.ends: dict[str, list[wire.Ended]] = {}
        self.happened = Counter[str]()
        self.history: list[str] = []
        self.process: ClusterProcess | None = ClusterProcess(self)
        self._hard = self.dice.random() < 0.5
        for _ in range(DEEDS):
            self.time.at(self.dice.uniform(0.0, ACTIVE), self._do)

    def run(self) -> None:
        """Play it; raises ViolationError."""
        self.time.run(ACTIVE)
        for place in self.places.values():
            for way in (place.up, place.down, place.by_engine):
                way.restore()
        if self.process is not None:
            for worker in self.ends:
                self._signal(worker, wire.KILL)
        self.time.run(ACTIVE + QUIET)
        for worker, ends in self.ends.items():
            lived = worker not in self._orphans
            self.expect(len(ends) == 1 or (not lived and not ends), f"{worker} ended {len(ends)} times")
        for worker, link in self.links.items():
            self.expect(link.agent is None or not link.agent.computing, f"{worker} computes for ever")
        self.expect(self.process is None or not len(self.process.placements), "placements are left")

    def expect(self, good: bool, what: str) -> None:
        if not good:
            raise ViolationError("\n".join([*self.history, f"{self.time.now():.3f} VIOLATION: {what}"]))

    def near_does(self, process: ClusterProcess, call: Callable[[], None]) -> None:
        self.near.do(lambda: call() if process.is_there else None)

    def told(self, end: wire.Ended) -> None:
        """The supervisor hears of an end."""
        how = "lost" if end.lost else "refused" if end.refused else "exit"
        self.note("silent" if end.reason.startswith("nothing came") else how, end.worker)
        self.ends[end.worker].append(end)
        self.expect(len(self.ends[end.worker]) == 1, f"{end.worker} ended twice")
        if link := self.links.get(end.worker):
            self._watch(end.worker, link)

    def _watch(self, worker: str, link: Link) -> None:
        """From now on it may compute for so long and no longer."""
        end = self.ended_at.setdefault(worker, link.place.host.ran())

        def look() -> None:
            ran = link.place.host.ran() - end
            if ran < SURELY_OVER:
                self.time.after(max(SURELY_OVER - ran, 0.001), look)
                return
            computing = link.agent is not None and link.agent.computing
            self.expect(not computing, f"{worker} computes {ran:.2f} s after its end was told")
            if ran < 30.0:
                self.time.after(0.2, look)

        look()

    def kill_there(self, link: Link) -> None:
        place = link.place
        place.by_engine.carry(lambda: link.agent.kill() if link.agent is not None else None)

    def disconnect(self, link: Link) -> None:
        """The connection is closed from here: its agent hears of it when the way is there."""
        if link.up is None or link.down is None or link.is_broken:
            return
        link.is_broken = True
        link.up.close()
        link.down.close()
        agent, place = link.agent, link.place
        if agent is not None:
            self.time.after(
                place.down.delay(), lambda: place.down.carry(lambda: place.host.do(agent.disconnected))
            )

    def note(self, what: str, who: object = "") -> None:
        self.happened[what] += 1
        self.history.append(f"{self.time.now():8.3f} {what} {who}")

    # What happens.

    def _do(self) -> None:
        deeds = [self._place] * 6 + [self._end_one, self._exit, self._kill_agent, self._reset, self._again]
        deeds += [
            self._cut,
            self._cut,
            self._stand_still,
            self._near_stands_still,
            self._slow,
            self._cut_engine,
        ]
        deeds += [self._die] if self.dice.random() < 0.3 else []
        self.dice.choice(deeds)()

    def _place(self, name: str = "") -> None:
        if self.process is None:
            return
        node = self.dice.choice([*NODES * 4, "nowhere"])
        worker = f"echo.{len(self.ends) + 1}.1"
        self.ends[worker] = []
        self.note("placed", f"{worker} on {node}")
        process = self.process
        self.near_does(process, lambda: process.placements.place(wire.Place(worker, node)))
        if self.dice.random() < 0.15 and node in self.places:
            place = self.places[node]
            ways = [place.up, place.down, place.by_engine]
            self.time.after(self.dice.uniform(0.2, 3.0), lambda: self._cut_for(node, ways))

    def _again(self) -> None:
        """Somebody places a name that is taken."""
        open_ones = [worker for worker, ends in self.ends.items() if not ends and worker in self.started]
        if self.process is not None and open_ones:
            worker = self.dice.choice(open_ones)
            if worker not in self._orphans:
                self.note("name taken", worker)
                self.process.placements.place(wire.Place(worker, self.dice.choice(NODES)))

    def _end_one(self) -> None:
        if self.ends:
            self._signal(self.dice.choice(list(self.ends)), self.dice.choice((15, wire.KILL)))

    def _signal(self, worker: str, number: int) -> None:
        if (process := self.process) is not None:
            self.note("signal", f"{number} {worker}")
            message = wire.Signal(worker, number)
            self.near_does(process, lambda: process.placements.signal(message, self.near.now()))

    def _agent(self) -> Agent | None:
        there = [link.agent for link in self.links.values() if link.agent and link.agent.computing]
        return self.dice.choice(there) if there else None

    def _exit(self) -> None:
        if agent := self._agent():
            self.note("exits", agent.worker)
            agent.host.do(lambda: agent.exit(3))

    def _kill_agent(self) -> None:
        if agent := self._agent():
            self.note("agent killed", agent.worker)
            agent.kill()

    def _reset(self) -> None:
        if agent := self._agent():
            self.note("connection reset", agent.worker)
            self.disconnect(self.links[agent.worker])

    def _cut(self) -> None:
        place = self.places[self.dice.choice(NODES)]
        ways = self.dice.choice(([place.up], [place.down], [place.up, place.down],
                                 [place.up, place.by_engine], [place.down, place.by_engine],
                                 [place.up, place.down, place.by_engine]))  # fmt: skip
        self._cut_for(place.name, ways)

    def _cut_engine(self) -> None:
        place = self.places[self.dice.choice(NODES)]
        self._cut_for(place.name, [place.by_engine])

    def _cut_for(self, name: str, ways: list[Way]) -> None:
        seconds = self.dice.choice((0.3, 1.0, 2.0, 3.0, 5.0, 15.0)) * self.dice.uniform(0.7, 1.3)
        self.note("cut", f"{name}, {len(ways)} ways, {seconds:.2f} s")
        for way in ways:
            way.is_cut = True
            self.time.after(seconds, way.restore)

    def _stand_still(self) -> None:
        place = self.places[self.dice.choice(NODES)]
        seconds = self.dice.choice((0.3, 1.0, 3.0, 8.0))
        self.note("stands still", f"{place.name} for {seconds} s")
        place.host.stand_still(seconds)

    def _near_stands_still(self) -> None:
        seconds = self.dice.choice((0.3, 1.0, 3.0, 8.0))
        self.note("cluster process stands still", f"for {seconds} s")
        self.near.stand_still(seconds)

    def _slow(self) -> None:
        place = self.places[self.dice.choice(NODES)]
        way = self.dice.choice((place.up, place.down))
        before, way.slow = (
            way.slow,
            self.dice.choice((0.1, 0.5, 1.0, 2.0, 4.0) if self._hard else (0.05, 0.2)),
        )
        self.note("slow", f"{place.name}: up to {way.slow} s")

        def sound() -> None:
            way.slow = before

        self.time.after(self.dice.uniform(1.0, 10.0), sound)

    def _die(self) -> None:
        """The cluster process ends; another one comes, unless the supervisor has gone too."""
        if (process := self.process) is None:
            return
        self._orphans = self._orphans | {worker for worker, ends in self.ends.items() if not ends}
        process.die()
        for worker, link in self.links.items():
            if not self.ends[worker]:
                self._watch(worker, link)
        self.process = None
        if self.dice.random() < 0.3:
            self.note("supervisor gone")
            return
        self.note("cluster process ended")
        self.time.after(0.5, self._come_back)

    def _come_back(self) -> None:
        self.process = ClusterProcess(self)
