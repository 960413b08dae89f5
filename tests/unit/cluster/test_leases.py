"""Both ends of an agent's connection: a worker is never spoken of as dead while it may still compute."""

from hypothesis import given
from hypothesis import strategies as st

from ai_pal.cluster.leases import BEAT, LEASE, LOOK, QUIET, SILENCE, NearEnds
from ai_pal.transport.lease import Lease


def test_the_agent_has_ended_before_its_death_is_told() -> None:
    assert QUIET + LEASE < SILENCE
    assert BEAT < QUIET


def play(up: list[bool], down: list[bool], skew: float) -> tuple[float | None, float | None]:
    """When the agent ends itself and when the near end tells of its death, in seconds, if each direction lets
    through what this says of each half second; clocks differ by `skew`."""
    near, far = NearEnds(), Lease(LEASE, skew)
    near.add("w", 0.0)
    ended = told = None
    steps = round(BEAT / LOOK)
    for number in range(len(up) * steps + round(4 * SILENCE / LOOK)):
        now = number * LOOK
        at = min(number // steps, len(up) - 1)
        if ended is None and number % steps == 0 and up[at]:
            near.heard("w")
        beaten, silent = near.look(now) if told is None else ([], [])
        if beaten and down[at]:
            far.heard()
        if ended is None and far.over(now + skew):
            ended = now
        if silent:
            told = now
    return ended, told


WEATHER = st.lists(st.booleans(), min_size=1, max_size=40)


@given(WEATHER, WEATHER, st.floats(-1e6, 1e6))
def test_whatever_is_cut_death_is_told_after_it(up: list[bool], down: list[bool], skew: float) -> None:
    size = min(len(up), len(down))
    ended, told = play(up[:size], down[:size], skew)
    if told is not None:
        assert ended is not None
        assert ended <= told
    if ended is not None:
        assert told is not None, "nobody would ever hear of it"


def test_a_sound_link_ends_nothing() -> None:
    assert play([True] * 200, [True] * 200, 0.0) == (None, None)


def test_a_cut_of_one_direction_ends_both() -> None:
    for up, down in (([False], [True]), ([True], [False])):
        ended, told = play(up, down, 0.0)
        assert ended is not None
        assert told is not None
        assert ended <= told
