"""The life of one model's worker as a pure state machine: (state, event, now) -> (state, actions).

No I/O and no clock. Back-off is exponential with full jitter (AWS Architecture Blog, "Exponential
Backoff And Jitter", 2015): the delay is uniform in [0, min(cap, base * 2^n)].
"""

from enum import StrEnum

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.messages.worker import EXIT_NEVER


class Phase(StrEnum):
    """Where a model's worker is in its life; `gone` means that no process exists."""

    GONE = "gone"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    STOPPING = "stopping"
    KILLING = "killing"
    BACKING_OFF = "backing-off"
    FAILED = "failed"


RUNNING = frozenset(
    {Phase.STARTING, Phase.LOADING, Phase.READY, Phase.DRAINING, Phase.STOPPING, Phase.KILLING}
)
"""Phases in which a process exists."""

ENDING = frozenset({Phase.DRAINING, Phase.STOPPING, Phase.KILLING})
"""Phases in which the process is on its way out and takes no new request."""


class Policy(msgspec.Struct, frozen=True):
    """Budgets in seconds. Stall budgets count from the last progress, never from the start."""

    start_timeout: float = 30.0
    load_stall: float = 60.0
    beat_timeout: float = 10.0
    engine_stall: float = 60.0
    drain_timeout: float = 30.0
    terminate_timeout: float = 2.0
    backoff_base: float = 0.2
    backoff_cap: float = 30.0
    max_crashes: int = 5
    crash_window: float = 120.0
    failed_cooldown: float = 60.0


class ExitStatus(msgspec.Struct, frozen=True):
    """How a process ended: an exit `code`, or the `signal` that ended it."""

    code: int | None = None
    signal: int | None = None


class State(msgspec.Struct, frozen=True):
    """One model's worker. `alive_at` is its last sign of life, `stepped_at` its engine's last step,
    `crashes` the times of recent crashes, `until` the end of a back-off or of `failed`."""

    phase: Phase = Phase.GONE
    incarnation: int = 0
    since: float = 0.0
    alive_at: float = 0.0
    stepped_at: float = 0.0
    steps: int = 0
    progress: float = 0.0
    crashes: tuple[float, ...] = ()
    until: float = 0.0
    reason: Failure | None = None
    planned: bool = False


class Demand(msgspec.Struct, frozen=True):
    """Somebody wants the model. `fresh` forgets earlier crashes (an explicit load)."""

    fresh: bool = False


class SpawnRefused(msgspec.Struct, frozen=True):
    """The process could not even be started."""

    failure: Failure
    jitter: float


class Connected(msgspec.Struct, frozen=True):
    """The worker said hello."""


class Alive(msgspec.Struct, frozen=True):
    """A sign of progress; during a load also `fraction` of it, in [0, 1]."""

    fraction: float | None = None


class Beat(msgspec.Struct, frozen=True):
    """The worker's own loop came round; `steps` is its engine's step counter."""

    steps: int
    busy: bool


class Loaded(msgspec.Struct, frozen=True):
    """The worker is ready."""


class Refused(msgspec.Struct, frozen=True):
    """The worker says that it will not load the model; it exits next."""

    failure: Failure


class StopWanted(msgspec.Struct, frozen=True):
    """Unload: `busy` workers are drained first."""

    reason: Failure
    busy: bool


class Drained(msgspec.Struct, frozen=True):
    """The last request of a draining worker ended."""


class Condemned(msgspec.Struct, frozen=True):
    """The worker broke a rule (a lost delta, an unanswered cancel): kill it, count it as a crash."""

    reason: Failure


class Exited(msgspec.Struct, frozen=True):
    """The process ended. `wanted`: somebody still waits for the model. `jitter` is in [0, 1)."""

    status: ExitStatus
    wanted: bool
    jitter: float
    tail: str = ""


class Tick(msgspec.Struct, frozen=True):
    """Time passed. `wanted`: somebody waits for the model."""

    wanted: bool = False


AnyEvent = (
    Demand
    | SpawnRefused
    | Connected
    | Alive
    | Beat
    | Loaded
    | Refused
    | StopWanted
    | Drained
    | Condemned
    | Exited
    | Tick
)


class Spawn(msgspec.Struct, frozen=True):
    """Start a process for this incarnation."""

    incarnation: int


class Terminate(msgspec.Struct, frozen=True):
    """SIGTERM to the worker's process group."""


class Kill(msgspec.Struct, frozen=True):
    """SIGKILL to the worker's process group."""


class GiveUp(msgspec.Struct, frozen=True):
    """Tell everybody who waits that the model will not come."""

    failure: Failure


Action = Spawn | Terminate | Kill | GiveUp
Step = tuple[State, tuple[Action, ...]]


def step(state: State, event: AnyEvent, now: float, policy: Policy) -> Step:
    """The one transition function. Events that do not fit the phase change nothing."""
    match event:
        case Demand():
            return _demand(state, event, now)
        case SpawnRefused():
            return _crashed(state, event.failure, now, policy, wanted=True, jitter=event.jitter)
        case Connected() if state.phase is Phase.STARTING:
            return _enter(state, Phase.LOADING, now), ()
        case Alive() if state.phase in (Phase.STARTING, Phase.LOADING):
            progress = max(state.progress, min(event.fraction or 0.0, 1.0))
            return msgspec.structs.replace(state, alive_at=now, progress=progress), ()
        case Beat() if state.phase in RUNNING:
            return _beat(state, event, now), ()
        case Loaded() if state.phase in (Phase.STARTING, Phase.LOADING):
            return msgspec.structs.replace(_enter(state, Phase.READY, now), progress=1.0, stepped_at=now), ()
        case Refused() if state.phase in (Phase.STARTING, Phase.LOADING):
            return msgspec.structs.replace(state, alive_at=now, reason=event.failure), ()
        case StopWanted():
            return _stop(state, event, now)
        case Drained() if state.phase is Phase.DRAINING:
            return _enter(state, Phase.STOPPING, now), (Terminate(),)
        case Condemned() if state.phase in RUNNING and state.phase is not Phase.KILLING:
            return _kill(state, event.reason, now)
        case Exited() if state.phase in RUNNING:
            return _exited(state, event, now, policy)
        case Tick():
            return _tick(state, event, now, policy)
        case _:
            return state, ()


def deadline(state: State, policy: Policy) -> float | None:
    """When this state next needs a `Tick`, or None when only events can change it."""
    match state.phase:
        case Phase.STARTING:
            return state.alive_at + policy.start_timeout
        case Phase.LOADING:
            return state.alive_at + policy.load_stall
        case Phase.READY:
            return min(state.alive_at + policy.beat_timeout, state.stepped_at + policy.engine_stall)
        case Phase.DRAINING:
            return min(state.since + policy.drain_timeout, state.alive_at + policy.beat_timeout)
        case Phase.STOPPING:
            return state.since + policy.terminate_timeout
        case Phase.BACKING_OFF | Phase.FAILED:
            return state.until
        case _:
            return None


def explain(state: State, status: ExitStatus, tail: str) -> Failure:
    """Why a process that nobody asked to stop has ended, for people."""
    if state.reason is not None and state.reason.code != Code.UNLOADED:
        return msgspec.structs.replace(state.reason, detail=state.reason.detail or tail)
    if status.signal == 9:
        message = "the worker was killed (SIGKILL), perhaps because the machine ran out of memory"
        hint = "free memory, choose a smaller model, or lower `context`"
    elif status.signal is not None:
        message, hint = f"the worker died of signal {status.signal}", "see `ai-pal logs`"
    else:
        message, hint = f"the worker exited with code {status.code}", "see `ai-pal logs`"
    return Failure(Code.WORKER_DIED, message, hint, retryable=status.code != EXIT_NEVER, detail=tail)


def _enter(state: State, phase: Phase, now: float) -> State:
    return msgspec.structs.replace(state, phase=phase, since=now, alive_at=now)


def _spawn(state: State, now: float) -> Step:
    incarnation = state.incarnation + 1
    fresh = State(Phase.STARTING, incarnation, now, now, now, crashes=state.crashes)
    return fresh, (Spawn(incarnation),)


def _demand(state: State, event: Demand, now: float) -> Step:
    if event.fresh and state.phase not in RUNNING:
        return _spawn(msgspec.structs.replace(state, crashes=()), now)
    if state.phase is Phase.GONE:
        return _spawn(state, now)
    if state.phase is Phase.FAILED:
        if now >= state.until:
            return _spawn(msgspec.structs.replace(state, crashes=()), now)
        failure = state.reason or Failure(Code.MODEL_FAILED, "the model failed")
        return state, (GiveUp(msgspec.structs.replace(failure, retry_after=state.until - now)),)
    return state, ()


def _beat(state: State, event: Beat, now: float) -> State:
    stepped = not event.busy or event.steps != state.steps
    return msgspec.structs.replace(
        state,
        alive_at=now,
        steps=event.steps,
        stepped_at=now if stepped else state.stepped_at,
    )


def _stop(state: State, event: StopWanted, now: float) -> Step:
    if state.phase in (Phase.BACKING_OFF, Phase.FAILED):
        return State(incarnation=state.incarnation, crashes=state.crashes, since=now), ()
    if state.phase not in RUNNING or state.phase in (Phase.STOPPING, Phase.KILLING):
        return state, ()
    marked = msgspec.structs.replace(state, reason=event.reason, planned=True)
    if event.busy and state.phase in (Phase.READY, Phase.DRAINING):
        return (marked, ()) if state.phase is Phase.DRAINING else (_enter(marked, Phase.DRAINING, now), ())
    return _enter(marked, Phase.STOPPING, now), (Terminate(),)


def _kill(state: State, reason: Failure, now: float) -> Step:
    return _enter(msgspec.structs.replace(state, reason=reason), Phase.KILLING, now), (Kill(),)


def _exited(state: State, event: Exited, now: float, policy: Policy) -> Step:
    if state.planned:
        gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now)
        return _spawn(gone, now) if event.wanted else (gone, ())
    failure = explain(state, event.status, event.tail)
    if not failure.retryable:
        gone = State(incarnation=state.incarnation, crashes=state.crashes, since=now, reason=failure)
        return gone, (GiveUp(failure),)
    return _crashed(state, failure, now, policy, wanted=event.wanted, jitter=event.jitter)


def _crashed(
    state: State, failure: Failure, now: float, policy: Policy, *, wanted: bool, jitter: float
) -> Step:
    recent = tuple(at for at in state.crashes if now - at < policy.crash_window)
    crashes = (*recent, now)[-policy.max_crashes :]
    rest = State(incarnation=state.incarnation, crashes=crashes, since=now, reason=failure)
    if len(crashes) >= policy.max_crashes:
        given_up = Failure(
            Code.MODEL_FAILED,
            f"the model crashed {len(crashes)} times within {policy.crash_window:g} s: {failure.message}",
            "see `ai-pal logs`; `ai-pal load` tries again at once",
            retryable=True,
            retry_after=policy.failed_cooldown,
            detail=failure.detail,
        )
        until = now + policy.failed_cooldown
        failed = msgspec.structs.replace(rest, phase=Phase.FAILED, until=until, reason=given_up)
        return failed, (GiveUp(given_up),)
    if not wanted:
        return rest, ()
    delay = jitter * min(policy.backoff_cap, policy.backoff_base * 2.0 ** len(crashes))
    return msgspec.structs.replace(rest, phase=Phase.BACKING_OFF, until=now + delay), ()


def _tick(state: State, event: Tick, now: float, policy: Policy) -> Step:
    due = deadline(state, policy)
    if due is None or now < due:
        return state, ()
    match state.phase:
        case Phase.STARTING | Phase.LOADING:
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
