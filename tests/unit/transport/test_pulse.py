"""A child's pulse."""

import os

from ai_pal.transport.pulse import MOST, UNBORN, Pulse, Watch, beat


def test_a_beat_is_felt_once() -> None:
    pulse = Pulse()
    assert not pulse.felt()
    for _ in range(MOST):
        beat(pulse.child)
    assert pulse.felt()
    assert not pulse.felt()
    pulse.given()
    assert not pulse.felt(), "a child that has ended does not beat"
    pulse.close()


def test_a_child_goes_on_although_nobody_feels_it() -> None:
    pulse = Pulse()
    os.set_blocking(pulse.child, False)
    for _ in range(70_000):  # more than a pipe holds
        beat(pulse.child)
    pulse.close()
    beat(pulse.child)
    pulse.given()


def test_it_hangs_when_it_was_silent_for_so_long() -> None:
    watch = Watch(0.0, 10.0)
    assert not watch.hangs(UNBORN - 1, felt=False)
    assert watch.hangs(UNBORN, felt=False)
    watch = Watch(0.0, 10.0)
    assert not watch.hangs(5.0, felt=True)
    assert not watch.hangs(14.9, felt=False)
    assert watch.hangs(15.0, felt=False)
