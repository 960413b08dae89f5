"""Promise 9: ten times the capacity; too much is refused at once, the rest moves, memory stays flat."""

import math
import random
import time
from collections import deque
from itertools import count

import psutil
import zmq

from ai_pal.client.connection import Connection
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.chaos.laboratory import Laboratory
from tests.process.answers import PROMPT, slow

FULL, SMALL = 60, 4
SLOTS, QUEUE = 4, 8
TOKENS, PACE = 10, 0.02
CAPACITY = SLOTS / (TOKENS * PACE)
OFFERED = 10 * CAPACITY
CLIENTS = 8
REFUSED = 0.05
GROWTH = 10_000_000
WARM_UP = 0.25
"""Of the time, before memory is looked at: buffers find their size."""


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one second."""
    report = lab.report
    model = f"echo?id={lab.name()}&slots={SLOTS}"
    crowd = Crowd(lab, model)
    with lab.client() as client:
        list(client.load(model))
        crowd.offer(rounds, dice)
    report.requests = crowd.sent
    done, refused = len(crowd.done), len(crowd.refusals)
    report.outcomes.update(done=done, overloaded=refused)
    for seconds in crowd.refusals:
        report.took("overloaded is heard", seconds, REFUSED)
    for client_id, finished in crowd.per_client.items():
        report.figures[f"done for client {client_id}"] = finished
    report.figures |= {
        "done a second": done / rounds,
        "capacity": CAPACITY,
        "growth (MB)": crowd.growth / 1e6,
    }
    report.expect(not crowd.open, f"{len(crowd.open)} requests never ended")
    report.expect(refused > crowd.sent / 2, f"of {crowd.sent} requests only {refused} were refused")
    report.expect(done >= 0.7 * CAPACITY * rounds / report.slack, f"only {done} were answered")
    report.expect(min(crowd.per_client.values()) > least(done / CLIENTS), f"not fair: {crowd.per_client}")
    report.expect(crowd.growth < GROWTH, f"the supervisor grew by {crowd.growth / 1e6:.1f} MB")


def least(fair: float) -> float:
    """What each client gets at least of a fair share of so many answers: who asks when a place is free has
    luck, so the counts scatter as a Poisson distribution does; this is four deviations down."""
    return fair - 4 * math.sqrt(fair)


class Crowd:
    """Clients that ask at a fixed rate, whatever becomes of it."""

    def __init__(self, lab: Laboratory, model: str) -> None:
        self._model, self._report = model, lab.report
        self._process = psutil.Process(lab.daemon.process.pid)
        self._connections = [Connection(lab.daemon.endpoint) for _ in range(CLIENTS)]
        self._poller = zmq.Poller()
        for connection in self._connections:
            self._poller.register(connection.socket, zmq.POLLIN)
        self._ids = count(1)
        self.open: dict[int, tuple[float, int]] = {}
        self.refusals: list[float] = []
        self.done: deque[float] = deque()
        self.per_client = dict.fromkeys(range(CLIENTS), 0)
        self.sent, self.growth = 0, 0

    def offer(self, seconds: float, dice: random.Random) -> None:
        """Ask for so long, then listen until all have ended."""
        begun = time.monotonic()
        warm_at, end, memory = begun + seconds * WARM_UP, begun + seconds, 0
        while (now := time.monotonic()) < end:
            while self.sent < (now - begun) * OFFERED:
                self._ask(dice.randrange(CLIENTS))
            self._listen(1)
            if not memory and now >= warm_at:
                memory = self._process.memory_info().rss
        self.growth = self._process.memory_info().rss - memory
        while self.open and time.monotonic() < end + 60:
            self._listen(50)
        for connection in self._connections:
            connection.close()

    def _ask(self, who: int) -> None:
        number = next(self._ids)
        self.sent += 1
        self.open[number] = time.monotonic(), who
        options = slow(tokens=TOKENS, pace=PACE)
        self._connections[who].send(wire.Chat(number, [Message("user", PROMPT)], self._model, options))

    def _listen(self, milliseconds: int) -> None:
        ready = dict(self._poller.poll(milliseconds))
        for connection in self._connections:
            if connection.socket in ready:
                for event in connection.receive():
                    self._heard(event)

    def _heard(self, event: wire.AnyEvent) -> None:
        number = getattr(event, "id", 0)
        if not isinstance(event, wire.TERMINAL) or number not in self.open:
            return
        asked_at, who = self.open.pop(number)
        if isinstance(event, wire.Done):
            self.done.append(time.monotonic())
            self.per_client[who] += 1
        else:
            reason = event.reasons[-1] if isinstance(event, wire.Failed) else None
            fine = reason is not None and reason.code == "overloaded" and reason.retry_after
            self._report.expect(fine, f"not done, and not overloaded: {event}")
            self.refusals.append(time.monotonic() - asked_at)
