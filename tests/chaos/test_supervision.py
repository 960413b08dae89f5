"""Seeded chaos over real echo workers (promises 1, 3, 4 and 6).

AI_PAL_CHAOS_ROUNDS says how many requests, AI_PAL_CHAOS_SEED repeats a schedule; see scripts/chaos.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import zmq

from ai_pal.client import Client
from ai_pal.client.connection import Connection
from ai_pal.messages import client as wire
from ai_pal.messages.chat import Message, Options
from tests.process.answers import PROMPT, assert_exact_prefix, end_of, text_of
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised

ROUNDS = int(os.environ.get("AI_PAL_CHAOS_ROUNDS", "120"))
SEED = int(os.environ.get("AI_PAL_CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))
AT_ONCE = 8
REQUESTS_PER_MODEL = 4
"""Few, so that no model is given up as one that keeps crashing."""
SILENCE_SECONDS = 15.0
MEMORY_GROWTH = 12_000_000
SETTINGS = {"beat_timeout": 2, "start_timeout": 3, "load_stall": 3, "keep_alive": 0.2}
ACTIONS = {"none": 8, "kill": 6, "cancel": 6, "die": 3, "stop": 1, "leave": 1}

LEAVER = """
import sys
from ai_pal.client import Client
from ai_pal.messages.chat import Options
client = Client(sys.argv[1])
options = Options(extra={"tokens": 10**6, "pace": 0.01})
for event in client.chat("one two", model=sys.argv[2], options=options):
    print(flush=True)
"""


class Plan(msgspec.Struct, frozen=True):
    """One request, and what happens to it once `at` tokens have come."""

    model: str
    tokens: int
    pace: float
    prefill: float
    action: str
    at: int

    @property
    def options(self) -> Options:
        extra: dict[str, object] = {"tokens": self.tokens, "pace": self.pace, "prefill": self.prefill}
        if self.action == "die":
            extra["kill_at"] = self.at
        return Options(extra=extra)


def plans(seed: int, rounds: int) -> Iterator[Plan]:
    """The same plans for the same seed."""
    chance = random.Random(seed)
    names, weights = list(ACTIONS), list(ACTIONS.values())
    for number in range(rounds):
        tokens = chance.randint(1, 60)
        yield Plan(
            model=f"echo?id={number // REQUESTS_PER_MODEL}&slots=3",
            tokens=tokens,
            pace=chance.choice([0.0, 0.001, 0.01]),
            prefill=chance.choice([0.0, 0.0, 0.1]),
            action=chance.choices(names, weights)[0],
            at=chance.randint(0, tokens),
        )


class Chaos:
    """Plays the plans over one connection and keeps everything that was heard."""

    def __init__(self, daemon: Supervised, observer: Client) -> None:
        self._daemon, self._observer = daemon, observer
        self._connection = Connection(daemon.endpoint)
        self._open: dict[int, Plan] = {}
        self._struck: set[int] = set()
        self._leavers: list[subprocess.Popen[bytes]] = []
        self.plans: dict[int, Plan] = {}
        self.heard: dict[int, list[wire.AnyEvent]] = {}

    def play(self, todo: Iterator[Plan]) -> None:
        """Until every plan has ended. Fails when nothing is heard for long."""
        exhausted = False
        while not exhausted or self._open:
            while not exhausted and len(self._open) < AT_ONCE:
                exhausted = not self._begin(next(todo, None))
            ready = self._connection.socket.poll(int(SILENCE_SECONDS * 1000), zmq.POLLIN) if self._open else 0
            assert ready or not self._open, f"silence about {self._open}"
            if ready:
                self._hear()
        self._settle()

    def _begin(self, plan: Plan | None) -> bool:
        if plan is None:
            return False
        number = len(self.plans) + 1
        self.plans[number] = self._open[number] = plan
        self.heard[number] = []
        messages = [Message("user", PROMPT)]
        self._connection.send(wire.Chat(number, messages, plan.model, plan.options))
        return True

    def _hear(self) -> None:
        for event in self._connection.receive():
            number = getattr(event, "id", 0)
            if number not in self.heard:
                continue
            self.heard[number].append(event)
            plan = self._open.get(number)
            if plan is not None and number not in self._struck and self._is_time(number, plan):
                self._struck.add(number)
                self._strike(number, plan)
            if isinstance(event, wire.TERMINAL):
                self._open.pop(number, None)

    def _is_time(self, number: int, plan: Plan) -> bool:
        return sum(event.n for event in self.heard[number] if isinstance(event, wire.Delta)) >= plan.at

    def _strike(self, number: int, plan: Plan) -> None:
        match plan.action:
            case "kill":
                self._signal(plan.model, signal.SIGKILL)
            case "stop":
                self._signal(plan.model, signal.SIGSTOP)
            case "cancel":
                self._connection.send(wire.Cancel(number))
            case "leave":
                command = [sys.executable, "-c", LEAVER, self._daemon.endpoint, plan.model]
                leaver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                self._leavers.append(leaver)

    def _signal(self, model: str, number: signal.Signals) -> None:
        for worker in self._observer.status().workers:
            if worker.model == model and worker.pid:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, number)

    def _settle(self) -> None:
        """Kill the clients that are to leave, and listen for anything that comes too late."""
        for leaver in self._leavers:
            assert leaver.stdout
            leaver.stdout.readline()
            leaver.kill()
            leaver.communicate()
        eventually(self._nothing_computes, within=SILENCE_SECONDS)
        while self._connection.socket.poll(50, zmq.POLLIN):
            self._hear()
        self._connection.close()

    def _nothing_computes(self) -> bool:
        return not any(worker.active or worker.queued for worker in self._observer.status().workers)


def check(plan: Plan, events: list[wire.AnyEvent]) -> str:
    """One end, nothing after it, an exact prefix, all of it when done; returns the kind of end."""
    end = end_of(events, wire.Event)
    assert isinstance(events[0], wire.Accepted)
    assert sum(isinstance(event, wire.Accepted) for event in events) == 1
    assert_exact_prefix(events)
    if isinstance(end, wire.Done):
        assert len(text_of(events).split()) == plan.tokens
    if isinstance(end, wire.Failed):
        assert text_of(events) == ""
    if isinstance(end, wire.Cancelled):
        assert plan.action == "cancel"
    return type(end).__name__


@pytest.mark.timeout(60 + ROUNDS)
def test_every_request_ends_once_with_an_exact_prefix_and_nobody_is_left(ai_pal_home: Path) -> None:
    print(f"AI_PAL_CHAOS_SEED={SEED} AI_PAL_CHAOS_ROUNDS={ROUNDS}")
    begun = time.monotonic()
    warm_up = max(AT_ONCE, ROUNDS // 3)
    todo = list(plans(SEED, ROUNDS))
    with Supervised(environment(ai_pal_home), **SETTINGS) as daemon, daemon.client() as observer:
        ends: Counter[str] = Counter()
        memory = 0
        for part in (todo[:warm_up], todo[warm_up:]):
            chaos = Chaos(daemon, observer)
            chaos.play(iter(part))
            ends.update(check(chaos.plans[number], events) for number, events in chaos.heard.items())
            growth, memory = observer.status().memory - memory, observer.status().memory
        assert sum(ends.values()) == ROUNDS
        assert growth < MEMORY_GROWTH, f"the supervisor grew by {growth / 1e6:.1f} MB"
        eventually(lambda: not daemon.workers())
        eventually(lambda: observer.status().clients == 1)
    seconds = time.monotonic() - begun
    print(f"{dict(ends)} in {seconds:.1f} s, memory {memory / 1e6:.0f} MB ({growth / 1e6:+.1f})")
