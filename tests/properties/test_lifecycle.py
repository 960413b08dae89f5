"""The life of a worker under any sequence of events, and under the crash patterns that have names."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ai_pal.errors import Code, Failure
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.lifecycle import (
    RUNNING,
    Action,
    Alive,
    AnyEvent,
    Beat,
    Condemned,
    Connected,
    Demand,
    Drained,
    Exited,
    GiveUp,
    Kill,
    LoadFinished,
    Phase,
    Policy,
    Refused,
    Spawn,
    SpawnRefused,
    State,
    StopWanted,
    Terminate,
    Tick,
    deadline,
    step,
)

POLICY = Policy()
LOST = Failure(Code.INTERNAL, "a rule was broken", retryable=True)
NEVER = Failure(Code.MODEL_INVALID, "the file makes no sense")
CRASH = ExitStatus(signal=11)

jitters = st.floats(0, 1, exclude_max=True)
failures = st.sampled_from([LOST, NEVER])


class WorkerLife(RuleBasedStateMachine):
    """Plays process, worker and supervisor; `process` is what exists outside."""

    @initialize()
    def begin(self) -> None:
        self.state, self.now = State(), 0.0
        self.process = False

    def feed(self, event: AnyEvent) -> None:
        before = self.state
        self.state, actions = step(before, event, self.now, POLICY)
        for action in actions:
            self.act(before, action)
        assert self.state.incarnation - before.incarnation == sum(isinstance(a, Spawn) for a in actions)

    def act(self, before: State, action: Action) -> None:
        match action:
            case Spawn(incarnation):
                assert not self.process, "two processes at once"
                assert incarnation > before.incarnation
                self.process = True
            case Terminate() | Kill():
                assert self.process, "a signal for nobody"
            case GiveUp(failure):
                assert failure.message

    @rule(seconds=st.one_of(st.floats(0, 5), st.floats(0, 4000)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(fresh=st.booleans())
    def demand(self, fresh: bool) -> None:
        self.feed(Demand(fresh))
        assert self.state.phase is not Phase.GONE

    @rule(event=st.one_of(st.builds(Connected), st.builds(LoadFinished), st.builds(Alive, st.floats(-1, 2))))
    def worker_says(self, event: AnyEvent) -> None:
        if self.process:
            self.feed(event)

    @rule(steps=st.integers(0, 3), busy=st.booleans())
    def beat(self, steps: int, busy: bool) -> None:
        if self.process:
            self.feed(Beat(steps, busy))

    @rule(failure=failures)
    def refuse(self, failure: Failure) -> None:
        if self.process:
            self.feed(Refused(failure))

    @rule(busy=st.booleans())
    def stop(self, busy: bool) -> None:
        self.feed(StopWanted(LOST, busy))

    @rule()
    def drained(self) -> None:
        self.feed(Drained())

    @rule()
    def condemn(self) -> None:
        self.feed(Condemned(LOST))

    @precondition(lambda self: self.process)
    @rule(
        status=st.sampled_from([CRASH, ExitStatus(code=0), ExitStatus(code=78), ExitStatus(signal=9)]),
        wanted=st.booleans(),
        jitter=jitters,
    )
    def exit(self, status: ExitStatus, wanted: bool, jitter: float) -> None:
        self.process = False
        self.feed(Exited(status, wanted, jitter))

    @precondition(lambda self: self.state.phase is Phase.STARTING)
    @rule(jitter=jitters)
    def spawn_fails(self, jitter: float) -> None:
        self.process = False
        self.feed(SpawnRefused(LOST, jitter))

    @rule(wanted=st.booleans())
    def tick(self, wanted: bool) -> None:
        self.feed(Tick(wanted))

    @rule(wanted=st.booleans())
    def tick_when_due(self, wanted: bool) -> None:
        due = deadline(self.state, POLICY)
        if due is not None:
            before, self.now = self.state, max(self.now, due)
            self.feed(Tick(wanted))
            assert self.state != before, "a deadline that changes nothing comes back at once"

    @invariant()
    def a_process_exists_in_running_phases_only(self) -> None:
        assert (self.state.phase in RUNNING) == self.process

    @invariant()
    def no_phase_lasts_for_ever(self) -> None:
        due = deadline(self.state, POLICY)
        # Only the end of the process ends `killing`, and only a demand ends `gone`.
        assert (due is None) == (self.state.phase in (Phase.KILLING, Phase.GONE))
        assert due is None or due <= self.now + max(POLICY.engine_stall, POLICY.load_stall)

    @invariant()
    def what_is_remembered_is_bounded(self) -> None:
        assert len(self.state.crashes) <= POLICY.max_crashes
        assert 0.0 <= self.state.progress <= 1.0

    @invariant()
    def back_off_is_bounded(self) -> None:
        if self.state.phase is Phase.BACKING_OFF:
            assert self.state.since <= self.state.until <= self.state.since + POLICY.backoff_cap


WorkerLife.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestWorkerLife = WorkerLife.TestCase


def life(
    load: float, ready: float | None, jitter: float = 0.5, horizon: float = math.inf
) -> tuple[int, State]:
    """Starts until the model fails or `horizon` is over; each process loads, is ready, and crashes.

    Somebody wants the model all the time; `ready` None crashes at the end of the load."""
    state, now, starts = State(), 0.0, 0
    state, actions = step(state, Demand(), now, POLICY)
    while starts < 100 and now < horizon:
        starts += sum(isinstance(action, Spawn) for action in actions)
        if state.phase is Phase.FAILED:
            break
        if state.phase is Phase.BACKING_OFF:
            now = state.until
            state, actions = step(state, Tick(wanted=True), now, POLICY)
            continue
        state, _ = step(state, Connected(), now, POLICY)
        now += load
        if ready is not None:
            state, _ = step(state, LoadFinished(), now, POLICY)
            now += ready
        state, actions = step(state, Exited(CRASH, True, jitter), now, POLICY)
    return starts, state


@pytest.mark.parametrize(
    ("load", "ready"),
    [(0.0, None), (1.0, None), (55.0, None), (900.0, None), (0.5, 1.0), (300.0, 1.0)],
    ids=["at once", "on load", "on a slow load", "on a very slow load", "after 1 s", "after 1 s, slow load"],
)
def test_a_model_that_keeps_crashing_is_started_exactly_max_crashes_times(
    load: float, ready: float | None
) -> None:
    starts, state = life(load, ready)
    assert (starts, state.phase) == (POLICY.max_crashes, Phase.FAILED)


def test_a_crash_after_an_hour_each_is_no_loop() -> None:
    starts, state = life(1.0, 3600.0, horizon=50 * 3600.0)
    assert starts == 50
    assert state.phase is not Phase.FAILED


@given(jitters, jitters)
def test_the_back_off_grows_with_each_crash_and_lies_below_its_bound(first: float, second: float) -> None:
    state, now = State(phase=Phase.LOADING, incarnation=1), 0.0
    for number in range(1, POLICY.max_crashes):
        state, _ = step(state, Exited(CRASH, True, first if number % 2 else second), now, POLICY)
        bound = min(POLICY.backoff_cap, POLICY.backoff_base * 2**number)
        assert 0.0 <= state.until - now <= bound
        now = state.until
        state, _ = step(state, Tick(wanted=True), now, POLICY)


def test_a_failed_model_refuses_until_its_time_is_over_and_says_when() -> None:
    _, state = life(0.0, None)
    again = state.until - 10.0
    same, (action,) = step(state, Demand(), again, POLICY)
    assert same.phase is Phase.FAILED
    assert isinstance(action, GiveUp)
    assert action.failure.retry_after == pytest.approx(10.0)
    restarted, _ = step(state, Demand(fresh=True), again, POLICY)
    assert restarted.phase is Phase.STARTING


@given(
    st.lists(st.floats(0.1, 0.99), min_size=1, max_size=50), st.sampled_from([Phase.STARTING, Phase.LOADING])
)
def test_a_load_that_gets_on_is_never_killed_however_slow(gaps: list[float], phase: Phase) -> None:
    budget = POLICY.start_timeout if phase is Phase.STARTING else POLICY.load_stall
    state, now = State(phase=phase, incarnation=1), 0.0
    for gap in gaps:
        now += gap * budget
        state, actions = step(state, Tick(), now, POLICY)
        assert not actions
        state, _ = step(state, Alive(0.5), now, POLICY)


def test_beats_are_no_progress_of_a_load() -> None:
    state, now = State(phase=Phase.LOADING, incarnation=1), 0.0
    while now < POLICY.load_stall:
        now += 1.0
        state, _ = step(state, Beat(0, busy=False), now, POLICY)
    state, actions = step(state, Tick(), now, POLICY)
    assert actions == (Kill(),)
    assert state.reason is not None
    assert state.reason.code == Code.LOAD_STALLED


@given(st.lists(st.floats(0.1, 0.95), min_size=1, max_size=20))
def test_a_slow_engine_is_never_killed_while_it_steps(gaps: list[float]) -> None:
    state, now, steps = State(phase=Phase.READY, incarnation=1), 0.0, 0
    for gap in gaps:
        until, steps = now + gap * (POLICY.engine_stall - 1.0), steps + 1
        while now < until:
            now += 1.0
            state, actions = step(state, Tick(), now, POLICY)
            assert not actions
            state, _ = step(state, Beat(steps - 1 if now < until else steps, busy=True), now, POLICY)


def test_an_engine_that_stops_while_the_loop_beats_is_found_within_its_budget() -> None:
    state, now = State(phase=Phase.READY, incarnation=1), 0.0
    while state.phase is Phase.READY:
        now += 1.0
        state, _ = step(state, Beat(7, busy=True), now, POLICY)
        state, _ = step(state, Tick(), now, POLICY)
    assert now <= POLICY.engine_stall + 1.0
    assert state.reason is not None
    assert state.reason.code == Code.WORKER_HUNG


def test_the_kill_ladder_climbs_from_draining_to_sigkill() -> None:
    state = State(phase=Phase.READY, incarnation=1)
    state, actions = step(state, StopWanted(LOST, busy=True), 0.0, POLICY)
    assert (state.phase, actions) == (Phase.DRAINING, ())
    state, actions = step(state, Drained(), 1.0, POLICY)
    assert (state.phase, actions) == (Phase.STOPPING, (Terminate(),))
    until = max(POLICY.save_timeout, 1.0 + POLICY.terminate_timeout)
    assert step(state, Tick(), until - 0.1, POLICY) == (state, ())
    state, actions = step(state, Tick(), until, POLICY)
    assert (state.phase, actions) == (Phase.KILLING, (Kill(),))
    state, actions = step(state, Exited(ExitStatus(signal=9), False, 0.0), 4.0, POLICY)
    assert (state.phase, actions, state.crashes) == (Phase.GONE, (), ())


def test_a_model_that_will_never_load_is_not_tried_again() -> None:
    state = State(phase=Phase.LOADING, incarnation=1)
    state, _ = step(state, Refused(NEVER), 1.0, POLICY)
    state, actions = step(state, Exited(ExitStatus(code=78), True, 0.5), 1.1, POLICY)
    assert state.phase is Phase.GONE
    assert [type(action) for action in actions] == [GiveUp]
