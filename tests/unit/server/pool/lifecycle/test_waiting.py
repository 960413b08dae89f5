"""A load that waits for memory, as the state machine sees it."""

from ai_pal.errors import Code, Failure
from ai_pal.server.pool.lifecycle import (
    Deferred,
    Demand,
    Denied,
    GiveUp,
    Phase,
    Policy,
    Room,
    Spawn,
    State,
    StopWanted,
    Tick,
    deadline,
    step,
)

POLICY = Policy(memory_wait=10.0)
SHORT = Failure(Code.INSUFFICIENT_MEMORY, "insufficient memory: m needs 2 GB, 1 GB is free", retryable=True)


def waiting(now: float = 5.0) -> State:
    state, _ = step(State(), Demand(), now, POLICY)
    state, actions = step(state, Deferred(SHORT), now, POLICY)
    assert actions == ()
    assert state.phase is Phase.WAITING
    return state


def test_room_starts_the_process_that_was_put_off() -> None:
    state, actions = step(waiting(), Room(), 6.0, POLICY)
    assert (state.phase, actions) == (Phase.STARTING, (Spawn(1),))
    assert state.reason is None


def test_more_who_want_it_do_not_start_it() -> None:
    for event in (Demand(), Demand(fresh=True)):
        assert step(waiting(), event, 6.0, POLICY) == (waiting(), ())


def test_looking_again_in_vain_keeps_the_place_in_time() -> None:
    state, _ = step(waiting(5.0), Deferred(SHORT), 9.0, POLICY)
    assert state.since == 5.0
    assert deadline(state, POLICY) == 15.0


def test_the_wait_is_bounded_and_ends_with_the_figures() -> None:
    state, actions = step(waiting(5.0), Tick(wanted=True), 15.0, POLICY)
    (given_up,) = actions
    assert isinstance(given_up, GiveUp)
    assert given_up.failure.code == Code.INSUFFICIENT_MEMORY
    assert given_up.failure.message.endswith("1 GB is free; not enough came free within 10 s")
    assert state.phase is Phase.GONE


def test_nobody_who_wants_it_ends_the_wait_silently() -> None:
    state, actions = step(waiting(), Tick(wanted=False), 6.0, POLICY)
    assert (state.phase, actions) == (Phase.GONE, ())


def test_an_unload_ends_the_wait() -> None:
    state, actions = step(waiting(), StopWanted(SHORT, busy=False), 6.0, POLICY)
    assert (state.phase, actions) == (Phase.GONE, ())


def test_a_refusal_is_no_crash() -> None:
    state, _ = step(State(crashes=(1.0,)), Demand(), 5.0, POLICY)
    state, actions = step(state, Denied(SHORT), 5.0, POLICY)
    assert (state.phase, state.crashes, state.incarnation) == (Phase.GONE, (1.0,), 0)
    assert actions == (GiveUp(SHORT),)
