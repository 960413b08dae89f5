"""The gateway's processes, in virtual time: started again after each end, and never once all is to end."""

from collections.abc import Callable

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.server.children.gateways import TERM, Gateways, GatewaySpec
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec
from ai_pal.transport.pulse import UNBORN, Pulse
from tests.simulation.clock import VirtualClock


class Process:
    pid = 7

    def __init__(self, spec: LaunchSpec, end: Callable[[ExitStatus], None], *, deaf: bool) -> None:
        self.spec, self._end, self._deaf = spec, end, deaf

    def die(self, signal: int = 9) -> None:
        self._end(ExitStatus(signal=signal))

    def terminate(self) -> None:
        if not self._deaf:
            self.die(15)

    def kill(self) -> None:
        self.die()

    def usage(self) -> None: ...

    def owns(self, pid: int) -> bool:
        return False

    def stderr_tail(self) -> str:
        return ""


class Felt(Pulse):
    """One that a test holds, without a pipe."""

    def __init__(self) -> None:
        self.child, self.beats, self.closed = 99, True, False

    def given(self) -> None: ...

    def felt(self) -> bool:
        return self.beats

    def close(self) -> None:
        self.closed = True


class World:
    """A launcher that notes when it launched what; the next launches fail while `full`."""

    def __init__(self, *, deaf: bool = False, count: int = 1) -> None:
        self.clock, self.launched = VirtualClock(), list[tuple[float, Process]]()
        self.full, self._deaf, self.pulses = False, deaf, list[Felt]()
        self.gateways = Gateways(
            self,
            self.clock,
            lambda event, **fields: None,
            GatewaySpec("m", ("-x",), (), count, silent=10.0),
            self.pulse,
        )
        self.clock.alarm = self.gateways.tick

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> Process:
        process = Process(spec, on_exit, deaf=self._deaf)
        self.launched.append((round(self.clock.now(), 3), process))
        if self.full:
            raise AiPalError(Failure(Code.SPAWN_FAILED, "no process to be had"))
        return process

    def pulse(self) -> Felt:
        self.pulses.append(Felt())
        return self.pulses[-1]

    @property
    def times(self) -> list[float]:
        return [when for when, _ in self.launched]


def test_each_end_is_followed_by_a_start_and_ever_later() -> None:
    world = World()
    world.gateways.start()
    for when in (10.0, 20.0, 30.0):
        world.clock.run(when)
        world.launched[-1][1].die()
    world.clock.run(40.0)
    assert world.times == [0.0, pytest.approx(10.5), pytest.approx(21.0), pytest.approx(32.0)]
    assert len({process.spec.worker for _, process in world.launched}) == 4


def test_one_that_cannot_be_started_is_tried_again() -> None:
    world = World()
    world.full = True
    world.gateways.start()
    assert not world.gateways.running
    world.full = False
    world.clock.run(0.6)
    assert world.gateways.running


def test_one_that_ends_leaves_the_others_alone() -> None:
    world = World(count=3)
    world.gateways.start()
    world.launched[1][1].die()
    world.clock.run(1.0)
    assert world.times == [0.0, 0.0, 0.0, 0.5]
    assert world.launched[3][1].spec.worker == "gateway.2.1"


@pytest.mark.parametrize("deaf", [False, True])
def test_once_all_is_to_end_none_is_started_and_all_end(deaf: bool) -> None:
    world = World(count=2, deaf=deaf)
    world.gateways.start()
    world.gateways.settle()
    world.launched[0][1].die()
    world.clock.run(5.0)
    assert len(world.launched) == 2
    world.gateways.stop()
    assert world.gateways.running is deaf
    world.clock.run(5.0 + TERM + 0.01)
    assert not world.gateways.running
    world.clock.run(100.0)
    assert len(world.launched) == 2


def test_one_that_hangs_is_ended_and_started_again() -> None:
    world = World(deaf=True)
    world.gateways.start()
    world.clock.run(100.0)
    assert world.times == [0.0]
    world.pulses[0].beats = False
    world.clock.run(115.0)
    assert world.times == [0.0, pytest.approx(110.5)]
    assert [pulse.closed for pulse in world.pulses] == [True, False]


def test_one_that_never_begins_to_beat_has_longer() -> None:
    world = World(deaf=True)
    world.gateways.start()
    world.pulses[0].beats = False
    world.clock.run(UNBORN - 1)
    assert world.times == [0.0]
    world.clock.run(UNBORN + 1)
    assert len(world.times) == 2


def test_one_that_hangs_is_told_what_it_beats_through_and_one_that_cannot_be_started_keeps_nothing() -> None:
    world = World()
    world.full = True
    world.gateways.start()
    _, process = world.launched[0]
    assert process.spec.args == ("-x", "--pulse", "99")
    assert process.spec.files == (99,)
    assert world.pulses[0].closed
