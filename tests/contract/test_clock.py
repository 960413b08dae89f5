"""What every clock promises: the asyncio one and the virtual one."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import anyio
import pytest

from ai_pal.server.clock import loop_clock, timekeeper
from ai_pal.server.clock.loop_clock import LoopClock
from ai_pal.server.ports import Clock
from tests.simulation.clock import VirtualClock

pytestmark = pytest.mark.anyio
UNIT = 0.02
LOOKS = 3000


class Subject(Protocol):
    """A clock under test; `alarms` holds when it rang, `on_alarm` is what happens then."""

    clock: Clock
    alarms: list[float]
    on_alarm: Callable[[], None]

    async def wait(self, seconds: float) -> None: ...


class Base:
    clock: Clock

    def __init__(self) -> None:
        self.alarms: list[float] = []
        self.on_alarm: Callable[[], None] = lambda: None

    def ring(self) -> None:
        self.alarms.append(self.clock.now())
        self.on_alarm()


class Loop(Base):
    def __init__(self) -> None:
        super().__init__()
        self.clock = LoopClock(self.ring)

    async def wait(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Virtual(Base):
    def __init__(self) -> None:
        super().__init__()
        self.virtual = self.clock = VirtualClock()
        self.virtual.alarm = self.ring

    async def wait(self, seconds: float) -> None:
        self.virtual.run(self.virtual.now() + seconds)


@pytest.fixture(params=[Loop, Virtual])
async def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param()
    return made


async def rings(subject: Subject, times: int) -> None:
    """Wait until it has rung so often; a busy machine may let it wait."""
    for _ in range(LOOKS):
        if len(subject.alarms) >= times:
            return
        await subject.wait(UNIT)
    raise AssertionError(f"it has rung {len(subject.alarms)} times")


async def test_it_rings_once_and_not_too_early(subject: Subject) -> None:
    due = subject.clock.now() + UNIT
    subject.clock.wake_at(due)
    await subject.wait(4 * UNIT)
    assert len(subject.alarms) == 1
    assert subject.alarms[0] >= due - 0.001


async def test_the_earliest_of_several_counts_and_the_others_are_forgotten(subject: Subject) -> None:
    start = subject.clock.now()
    for units in (3, 1, 2):
        subject.clock.wake_at(start + units * UNIT)
    await subject.wait(1.5 * UNIT)  # the loop wakes who waits in the order of their times
    assert len(subject.alarms) == 1
    await subject.wait(6 * UNIT)
    assert len(subject.alarms) == 1


async def test_what_is_past_rings_at_once(subject: Subject) -> None:
    subject.clock.wake_at(subject.clock.now() - 1.0)
    await subject.wait(UNIT)
    assert len(subject.alarms) == 1


async def test_an_alarm_can_set_the_next(subject: Subject) -> None:
    def again() -> None:
        if len(subject.alarms) < 3:
            subject.clock.wake_at(subject.clock.now() + UNIT / 2)

    subject.on_alarm = again
    subject.clock.wake_at(subject.clock.now())
    await rings(subject, 3)
    await subject.wait(2 * UNIT)
    assert len(subject.alarms) == 3


async def test_time_only_goes_on(subject: Subject) -> None:
    before = subject.clock.now()
    await subject.wait(UNIT)
    assert subject.clock.now() >= before + UNIT - 0.001


async def test_what_passed_while_the_process_was_stopped_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timekeeper, "LOOK", UNIT)
    monkeypatch.setattr(timekeeper, "HELD_UP", 2 * UNIT)
    subject = Loop()
    begun = subject.clock.now()
    subject.clock.wake_at(begun + 10 * UNIT)
    time.sleep(20 * UNIT)  # noqa: ASYNC251 (the loop is to be held up)
    assert subject.clock.now() <= begun + UNIT + 0.001
    await subject.wait(UNIT)
    assert not subject.alarms
    await rings(subject, 1)


async def test_an_alarm_that_breaks_off_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_clock, "AGAIN", UNIT)
    asyncio.get_running_loop().set_exception_handler(lambda loop, broken: None)
    subject = Loop()

    def break_off() -> None:
        if len(subject.alarms) == 1:
            raise OSError("planted")

    subject.on_alarm = break_off
    subject.clock.wake_at(subject.clock.now())
    await rings(subject, 2)
    await subject.wait(2 * UNIT)
    assert len(subject.alarms) == 2
