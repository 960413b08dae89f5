"""The transitions of a worker's life: (state, event, now) -> (state, actions).

Back-off is exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter",
2015): the delay is uniform in [0, min(cap, base * 2^n)].
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.server.pool.lifecycle.ends import explain
from ai_pal.server.pool.lifecycle.events import (
    Action,
    Alive,
    AnyEvent,
    Beat,
    Condemned,
    Connected,
    Deferred,
    Demand,
    Denied,
    Drained,
    Exited,
    Fetching,
    GiveUp,
    Kill,
    LoadFinished,
    Refused,
    Room,
    Spawn,
    SpawnRefused,
    StopWanted,
    Terminate,
    Tick,
)
from ai_pal.server.pool.lifecycle.state import COMING, RUNNING, UNSTARTED, Phase, Policy, State

Step = tuple[State, tuple[Action, ...]]


def step(state: State, event: AnyEvent, now: float, policy: Policy) -> Step:
    """The one transition function. Events that do not fit the phase change nothing."""
    return _TRANSITIONS[type(event)](state, event, now, policy)


def deadline(state: State, policy: Policy) -> float | None:
    """When this state next needs a `Tick`, or None when only events can change it."""
    match state.phase:
        case Phase.WAITING:
            return state.since + policy.memory_wait
        case Phase.STARTING:
            return state.alive_at + policy.start_timeout
        case Phase.FETCHING | Phase.LOADING:
            return state.alive_at + policy.load_stall
        case Phase.READY:
            return min(state.alive_at + policy.beat_timeout, state.stepped_at + policy.engine_stall)
        case Phase.DRAINING:
            return min(state.since + policy.drain_timeout, state.alive_at + policy.beat_timeout)
        case Phase.STOPPING | Phase.BACKING_OFF | Phase.FAILED:
            return state.until
        case _:
            return None


def _enter(state: State, phase: Phase, now: float) -> State:
    return replace(state, phase=phase, since=now, alive_at=now)


def _spawn(state: State, now: float) -> Step:
    incarnation = state.incarnation + 1
    fresh = State(Phase.STARTING, incarnation, now, now, now, crashes=state.crashes, spawned_at=now)
    return fresh, (Spawn(incarnation),)


def _demand(state: State, event: Demand, now: float, policy: Policy) -> Step:
    if state.phase is Phase.WAITING:
        return state, ()
    if event.fresh and state.phase not in RUNNING:
        return _spawn(replace(state, crashes=()), now)
    if state.phase is Phase.GONE:
        return _spawn(state, now)
    if state.phase is Phase.FAILED:
        if now >= state.until:
            return _spawn(replace(state, crashes=()), now)
        failure = state.reason or Failure(Code.MODEL_FAILED, "the model failed")
        return state, (GiveUp(replace(failure, retry_after=state.until - now)),)
    return state, ()


def _deferred(state: State, event: Deferred, now: float, policy: Policy) -> Step:
    """A load that waits keeps its place: `since` is when it began to. Nothing runs of it."""
    if state.phase in COMING:
        return replace(_unstarted(state, now), phase=Phase.WAITING, reason=event.reason), ()
    return (replace(state, reason=event.reason) if state.phase is Phase.WAITING else state), ()


def _room(state: State, event: Room, now: float, policy: Policy) -> Step:
    return _spawn(state, now) if state.phase is Phase.WAITING else (state, ())


def _denied(state: State, event: Denied, now: float, policy: Policy) -> Step:
    if state.phase not in (Phase.STARTING, Phase.WAITING):
        return state, ()
    return replace(_unstarted(state, now), reason=event.reason), (GiveUp(event.reason),)


def _unstarted(state: State, now: float) -> State:
    """Back before the spawn: the process of this incarnation never came to be."""
    incarnation = state.incarnation - (state.phase in UNSTARTED)
    return State(incarnation=incarnation, crashes=state.crashes, since=now)


def _spawn_refused(state: State, event: SpawnRefused, now: float, policy: Policy) -> Step:
    return _crashed(state, event.failure, now, policy, wanted=True, jitter=event.jitter)


def _fetching(state: State, event: Fetching, now: float, policy: Policy) -> Step:
    if state.phase not in UNSTARTED:  # of a gang, another process waits for its files
        return (replace(state, alive_at=now) if state.phase is Phase.LOADING else state), ()
    there = state if state.phase is Phase.FETCHING else _enter(state, Phase.FETCHING, now)
    progress = max(there.progress, min(event.fraction, 1.0))
    return replace(there, alive_at=now, progress=progress), ()


def _connected(state: State, event: Connected, now: float, policy: Policy) -> Step:
    if state.phase not in UNSTARTED:
        return state, ()
    return replace(_enter(state, Phase.LOADING, now), progress=0.0), ()


def _alive(state: State, event: Alive, now: float, policy: Policy) -> Step:
    if state.phase not in COMING:
        return state, ()
    progress = max(state.progress, min(event.fraction or 0.0, 1.0))
    return replace(state, alive_at=now, progress=progress), ()


def _loaded(state: State, event: LoadFinished, now: float, policy: Policy) -> Step:
    if state.phase not in COMING:
        return state, ()
    return replace(_enter(state, Phase.READY, now), progress=1.0, stepped_at=now, ready_at=now), ()


def _refused(state: State, event: Refused, now: float, policy: Policy) -> Step:
    return (replace(state, alive_at=now, reason=event.failure) if state.phase in COMING else state), ()


def _beat(state: State, event: Beat, now: float, policy: Policy) -> Step:
    if state.phase not in (Phase.READY, Phase.DRAINING):
        return state, ()
    stepped = not event.busy or event.steps != state.steps
    stepped_at = now if stepped else state.stepped_at
    return replace(state, alive_at=now, steps=event.steps, stepped_at=stepped_at), ()


def _stop(state: State, event: StopWanted, now: float, policy: Policy) -> Step:
    if state.phase in (Phase.WAITING, Phase.BACKING_OFF, Phase.FAILED):
        return State(incarnation=state.incarnation, crashes=state.crashes, since=now), ()
    if state.phase not in RUNNING or state.phase in (Phase.STOPPING, Phase.KILLING):
        return state, ()
    marked = replace(state, reason=event.reason, planned=True)
    if event.busy and state.phase in (Phase.READY, Phase.DRAINING):
        return (marked, ()) if state.phase is Phase.DRAINING else (_enter(marked, Phase.DRAINING, now), ())
    return _stopping(marked, now, now, policy)


def _drained(state: State, event: Drained, now: float, policy: Policy) -> Step:
    if state.phase is not Phase.DRAINING:
        return state, ()
    return _stopping(state, state.since, now, policy)


def _stopping(state: State, wanted: float, now: float, policy: Policy) -> Step:
    until = max(wanted + policy.save_timeout, now + policy.terminate_timeout)
    return replace(_enter(state, Phase.STOPPING, now), until=until), (Terminate(),)


def _condemned(state: State, event: Condemned, now: float, policy: Policy) -> Step:
    if state.phase not in RUNNING or state.phase is Phase.KILLING:
        return state, ()
    return _kill(state, event.reason, now)


def _kill(state: State, reason: Failure, now: float) -> Step:
    return _enter(replace(state, reason=reason), Phase.KILLING, now), (Kill(),)


def _exited(state: State, event: Exited, now: float, policy: Policy) -> Step:
    if state.phase not in RUNNING:
        return state, ()
    if state.planned:
        gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now)
        return _spawn(gone, now) if event.wanted else (gone, ())
    failure = explain(state, event.status, event.tail)
    if event.status.lost and state.phase is not Phase.STARTING:  # which is no fault of the model
        gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now, reason=failure)
        return _spawn(gone, now) if event.wanted else (gone, ())
    if not failure.retryable:
        gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now, reason=failure)
        return gone, (GiveUp(failure),)
    return _crashed(state, failure, now, policy, wanted=event.wanted, jitter=event.jitter)


def _crashed(
    state: State, failure: Failure, now: float, policy: Policy, *, wanted: bool, jitter: float
) -> Step:
    crashes = (*_series(state, now, policy), now)[-policy.max_crashes :]
    rest = State(incarnation=state.incarnation, crashes=crashes, since=now, reason=failure)
    if len(crashes) >= policy.max_crashes:
        given_up = Failure(
            Code.MODEL_FAILED,
            f"the model crashed {counted(len(crashes), 'time')} in a row: {failure.message}",
            "see `ai-pal logs`; `ai-pal load` tries again at once",
            retryable=True,
            retry_after=policy.failed_cooldown,
            detail=failure.detail,
        )
        until = now + policy.failed_cooldown
        failed = replace(rest, phase=Phase.FAILED, until=until, reason=given_up)
        return failed, (GiveUp(given_up),)
    if not wanted:
        return rest, ()
    delay = jitter * min(policy.backoff_cap, policy.backoff_base * 2.0 ** len(crashes))
    return replace(rest, phase=Phase.BACKING_OFF, until=now + delay), ()


def _series(state: State, now: float, policy: Policy) -> tuple[float, ...]:
    """The earlier crashes that one of now continues: `crash_window` of calm, idle or at work, ends a
    series. Starting and loading are no calm, or a slow load that always crashes would go on for ever."""
    if not state.crashes:
        return ()
    loading = (now if state.ready_at is None else state.ready_at) - state.spawned_at
    calm = now - state.crashes[-1] - loading
    return state.crashes if calm < policy.crash_window else ()


def _tick(state: State, event: Tick, now: float, policy: Policy) -> Step:
    if state.phase is Phase.WAITING and not event.wanted:
        return _unstarted(state, now), ()
    due = deadline(state, policy)
    if due is None or now < due:
        return state, ()
    match state.phase:
        case Phase.WAITING:
            reason = state.reason or Failure(Code.INSUFFICIENT_MEMORY, "insufficient memory", retryable=True)
            lacks = (
                "not enough came free" if reason.code == Code.INSUFFICIENT_MEMORY else "that did not change"
            )
            waited = f"{reason.message}; {lacks} within {now - state.since:.0f} s"
            return _denied(state, Denied(replace(reason, message=waited)), now, policy)
        case Phase.STARTING | Phase.FETCHING | Phase.LOADING:
            stalled = now - state.alive_at
            message = f"no progress for {stalled:.0f} s while {state.phase}"
            return _kill(state, Failure(Code.LOAD_STALLED, message, "see `ai-pal logs`", retryable=True), now)
        case Phase.READY:
            return _kill(state, _hung(state, now, policy), now)
        case Phase.DRAINING | Phase.STOPPING:
            return _enter(state, Phase.KILLING, now), (Kill(),)
        case Phase.BACKING_OFF:
            gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now)
            return _spawn(gone, now) if event.wanted else (gone, ())
        case Phase.FAILED:
            return State(incarnation=state.incarnation, since=now), ()
        case _:
            return state, ()


def _hung(state: State, now: float, policy: Policy) -> Failure:
    silent = now - state.alive_at
    if silent >= policy.beat_timeout:
        message = f"the worker hung: no sign of life for {silent:.0f} s"
    else:
        message = f"the engine hung: no step for {now - state.stepped_at:.0f} s"
    return Failure(Code.WORKER_HUNG, message, "it was replaced; ask again", retryable=True)


_TRANSITIONS: dict[type[AnyEvent], Callable[[State, Any, float, Policy], Step]] = {
    Demand: _demand,
    Deferred: _deferred,
    Room: _room,
    Denied: _denied,
    SpawnRefused: _spawn_refused,
    Fetching: _fetching,
    Connected: _connected,
    Alive: _alive,
    Beat: _beat,
    LoadFinished: _loaded,
    Refused: _refused,
    StopWanted: _stop,
    Drained: _drained,
    Condemned: _condemned,
    Exited: _exited,
    Tick: _tick,
}
