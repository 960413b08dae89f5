"""Whatever happens to a worker on a node, its end is told once, and by whoever knows best why."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cluster.leases import BEAT, LOOK, SILENCE
from ai_pal.cluster.placements import GRACE, KILL_SECONDS, SETTLE, Placements
from ai_pal.errors import Code
from ai_pal.protocol import cluster as wire
from tests.strict_engine import StrictEngine

KEY = "k" * 40
A = "w.1.1"
SUPPLY = wire.Supply((wire.ModelFile("org/m.gguf", 7),), "/there", "/here")


class World:
    """A supervisor, an engine and a port that only note what they are told."""

    address, public = "tcp://127.0.0.1:1", "p" * 40

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[wire.FromCluster] = []
        self.keys: dict[str, str] = {}
        self.there: set[str] = set()
        self.to_agents: list[tuple[str, wire.ToAgent]] = []
        self.beats: list[float] = []
        self.given: set[str] = set()
        self.questions: list[wire.Asked] = []
        self.engine = StrictEngine(self, [wire.Node("a", 10, 20), wire.Node("mute", silent=True)])
        self.placements = Placements(self.engine, self, self, self.told.append, "1.0")

    # As the port.

    def admit(self, worker: str, key: str) -> None:
        self.keys[key] = worker

    def forget(self, worker: str) -> None:
        self.keys = {key: whose for key, whose in self.keys.items() if whose != worker}
        self.there.discard(worker)
        self.given.discard(worker)

    def connected(self, worker: str) -> bool:
        return worker in self.there

    def tell(self, worker: str, message: bytes) -> bool:
        self.to_agents.append((worker, wire.decode_to_agent(message)))
        return True

    def beat(self, worker: str) -> None:
        self.beats.append(self.now)

    # As who gives files.

    def begin(self, worker: str, supply: wire.Supply) -> None:
        self.given.add(worker)

    def asked(self, worker: str, question: wire.Asked) -> bool:
        self.questions.append(question)
        return question.file < len(SUPPLY.files)

    # As who hears the engine.

    def admitted(self, worker: str, key: str) -> None:
        self.placements.admitted(worker, key, self.now)

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        self.placements.refused(worker, reason, cause, self.now)

    def lost(self, worker: str, reason: str) -> None:
        self.placements.lost(worker, reason, self.now)

    # What happens.

    def place(self, worker: str = A, node: str = "a", supply: wire.Supply | None = None) -> None:
        self.placements.place(wire.Place(worker, node, need=5, supply=supply))

    def launch(self, worker: str = A) -> None:
        self.place(worker)
        self.engine.admit(worker, KEY)
        self.there.add(worker)
        self.say(wire.Greeting(worker, "1.0"))
        self.say(wire.Launched(worker, 7))

    def say(self, message: wire.FromAgent, worker: str = A) -> None:
        self.placements.heard(worker)
        self.placements.said(worker, message, self.now)

    def wait(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(seconds / LOOK)):
            self.now += LOOK
            each()
            self.placements.tick(self.now)

    def ends(self, worker: str = A) -> list[wire.Ended]:
        return [one for one in self.told if isinstance(one, wire.Ended) and one.worker == worker]


def test_an_agent_is_started_with_no_secret_let_in_by_its_key_and_welcomed() -> None:
    world = World()
    world.place()
    ticket = world.engine.started[A]
    assert (ticket.node, ticket.address, ticket.server, ticket.need) == ("a", world.address, world.public, 5)
    world.engine.admit(A, KEY)
    assert world.keys == {KEY: A}
    world.say(wire.Greeting(A, "1.0"))
    assert world.to_agents == [(A, wire.Welcome())]
    world.say(wire.Launched(A, 7))
    assert world.told == [wire.Launched(A, 7)]


def test_an_exit_is_told_once_with_what_the_agent_says() -> None:
    world = World()
    world.launch()
    world.say(wire.Ended(A, code=3, tail="why"))
    world.engine.lose(A, "the command ended with 0")
    world.wait(1.0)
    assert world.ends() == [wire.Ended(A, code=3, tail="why")]
    assert not world.keys, "its key still opens the door"


def test_who_is_lost_gets_a_moment_to_say_how_it_ended() -> None:
    world = World()
    world.launch()
    world.engine.lose(A, "the command ended with 0")
    world.say(wire.Ended(A, signal=11))
    world.wait(GRACE + 2 * LOOK)
    assert world.ends() == [wire.Ended(A, signal=11)]


def test_a_lost_agent_is_no_crash_of_its_worker() -> None:
    world = World()
    world.launch()
    world.engine.lose(A, "the node was switched off")
    world.wait(GRACE + 2 * LOOK)
    (end,) = world.ends()
    assert end.lost
    assert end.reason == "its agent on node a has gone: the node was switched off"


def test_silence_is_told_after_its_lease_and_its_agent_is_stopped() -> None:
    world = World()
    world.launch()
    heard = world.now
    world.wait(SILENCE - 2 * LOOK)
    assert not world.ends()
    assert max(world.beats) < heard + 1.0, "who is silent gets no signs of life: its own lease must run out"
    world.wait(5 * LOOK)
    (end,) = world.ends()
    assert end.lost
    assert "nothing came from node a for 3 s" in end.reason
    assert world.engine.stopped == [A]


def test_who_was_placed_on_a_node_that_falls_silent_ends_unless_its_agent_is_there() -> None:
    world = World()
    world.launch()
    world.place("w.2.1")
    world.place("w.3.1", "b")
    world.placements.fell_silent({"a"}, world.now)
    world.wait(2 * LOOK, each=lambda: world.placements.heard(A))
    assert not world.ends(A), "its own lease says when it is lost"
    (end,) = world.ends("w.2.1")
    assert end.lost
    assert end.reason == "node a ceased to answer before its agent was there"
    assert [one.lost for one in world.ends("w.3.1")] == [False], "there is no node b: it was refused"


def test_one_who_beats_is_never_silent_and_is_beaten_to() -> None:
    world = World()
    world.launch()
    world.wait(60.0, each=lambda: world.placements.heard(A))
    assert not world.ends()
    assert len(world.beats) == pytest.approx(60.0 / BEAT, abs=25)


@pytest.mark.parametrize("node", ["nowhere", "mute"])
def test_a_node_that_is_not_there_is_a_refusal(node: str) -> None:
    world = World()
    world.place(node=node)
    world.wait(SETTLE + 2 * LOOK)
    (end,) = world.ends()
    assert (end.refused, end.cause) == (True, Code.NO_NODE), "and not too little memory"
    assert node in end.reason


def test_another_version_is_refused_in_words() -> None:
    world = World()
    world.place()
    world.engine.admit(A, KEY)
    world.say(wire.Greeting(A, "0.9"))
    world.wait(1.0)
    (end,) = world.ends()
    assert (end.refused, end.cause) == (True, Code.NO_NODE), "and not too little memory"
    assert end.reason == "node a has AI-PAL 0.9, this is 1.0"
    assert not world.to_agents


def test_an_agent_speaks_for_its_own_worker_alone() -> None:
    world = World()
    world.launch()
    world.place("w.2.1")
    world.say(wire.Ended("w.2.1", code=0))
    world.say(wire.Line("w.2.1", "forged"))
    world.wait(1.0, each=lambda: world.placements.heard(A))
    assert not world.ends("w.2.1")
    assert wire.Line("w.2.1", "forged") not in world.told


def test_a_signal_goes_to_the_agent_and_a_kill_that_does_not_help_to_the_engine() -> None:
    world = World()
    world.launch()
    world.placements.signal(wire.Signal(A, 15), world.now)
    world.placements.signal(wire.Signal(A, 9), world.now)
    assert world.to_agents[-2:] == [(A, wire.Signal(A, 15)), (A, wire.Signal(A, 9))]
    world.wait(KILL_SECONDS + 3 * LOOK, each=lambda: world.placements.heard(A))
    assert world.ends() == [wire.Ended(A, signal=9)]
    assert A in world.engine.stopped


def test_who_has_not_come_yet_ends_when_it_is_told_to() -> None:
    world = World()
    world.place()
    world.placements.signal(wire.Signal(A, 15), world.now)
    world.wait(SETTLE + 2 * LOOK)
    assert world.ends() == [wire.Ended(A, signal=15)]
    assert world.engine.stopped == [A]


def test_who_says_what_cannot_be_read_is_ended() -> None:
    world = World()
    world.launch()
    world.placements.broken(A, world.now)
    world.wait(1.0)
    assert [end.lost for end in world.ends()] == [True]


def if_open(act: Callable[[World], None]) -> Callable[[World], None]:
    """What an engine may tell of a worker only while it has not ended there."""
    return lambda world: act(world) if A not in world.engine.ended else None


def if_new(act: Callable[[World], None]) -> Callable[[World], None]:
    return if_open(lambda world: act(world) if A not in world.engine.admitted else None)


def if_there(act: Callable[[World], None]) -> Callable[[World], None]:
    return lambda world: act(world) if A in world.there else None


EVENTS: list[Callable[[World], None]] = [
    if_new(lambda world: world.engine.admit(A, KEY)),
    if_new(lambda world: world.engine.refuse(A, "full")),
    if_open(lambda world: world.engine.lose(A, "gone")),
    lambda world: world.there.update(world.keys.values()),
    if_there(lambda world: world.say(wire.Greeting(A, "1.0"))),
    if_there(lambda world: world.say(wire.Greeting(A, "0.9"))),
    if_there(lambda world: world.say(wire.Launched(A, 1))),
    if_there(lambda world: world.say(wire.Ended(A, code=0))),
    if_there(lambda world: world.placements.heard(A)),
    if_there(lambda world: world.placements.broken(A, world.now)),
    lambda world: world.placements.signal(wire.Signal(A, 15), world.now),
    lambda world: world.placements.signal(wire.Signal(A, 9), world.now),
    lambda world: world.wait(0.3),
    lambda world: world.wait(4.0),
]


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_whatever_happens_it_ends_once(events: list[Callable[[World], None]]) -> None:
    world = World()
    world.place()
    for event in events:
        event(world)
        assert len(world.ends()) <= 1
    world.placements.signal(wire.Signal(A, 9), world.now)
    world.wait(KILL_SECONDS + SILENCE + 1.0)
    assert len(world.ends()) == 1
    assert len(world.placements) == 0
    assert not world.keys


def test_files_are_given_to_whose_worker_needs_them_and_the_supervisor_hears_how_far_they_are() -> None:
    world = World()
    world.place(supply=SUPPLY)
    assert world.engine.started[A].supply == SUPPLY
    assert world.given == {A}
    world.engine.admit(A, KEY)
    world.there.add(A)
    world.say(wire.AskPiece(A, 0, 0, 7))
    world.say(wire.AskPiece("w.2.1", 0, 0, 7))
    world.say(wire.Supplied(A, 3, 7, 1))
    assert world.questions == [wire.AskPiece(A, 0, 0, 7)], "an agent asks for its own worker alone"
    assert world.told == [wire.Supplied(A, 3, 7, 1)]
    world.say(wire.AskHash(A, 1))
    world.wait(1.0)
    (end,) = world.ends()
    assert "broke the rules" in end.reason
    assert not world.given
