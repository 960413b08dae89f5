"""Where a model's worker is in its life, and the budgets it lives under."""

from enum import StrEnum

import msgspec

from ai_pal.errors import Failure


class Phase(StrEnum):
    """Where a model's worker is in its life; `gone` means that no process exists. `waiting`: for memory,
    `fetching`: its node gets its files."""

    GONE = "gone"
    WAITING = "waiting"
    STARTING = "starting"
    FETCHING = "fetching"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    STOPPING = "stopping"
    KILLING = "killing"
    BACKING_OFF = "backing-off"
    FAILED = "failed"


RUNNING = frozenset(
    {
        *(Phase.STARTING, Phase.FETCHING, Phase.LOADING),
        *(Phase.READY, Phase.DRAINING, Phase.STOPPING, Phase.KILLING),
    }
)
"""Phases in which a process exists."""

UNSTARTED = (Phase.STARTING, Phase.FETCHING)
"""Phases before the process has said hello, or was told what to load."""

COMING = (*UNSTARTED, Phase.LOADING)
"""Phases on the way to a loaded model."""


class Policy(msgspec.Struct, frozen=True):
    """Budgets in seconds. Stall budgets count from the last progress, never from the start. A worker that is
    told to end has `save_timeout` from when that was wanted, for what it has read of kept conversations, and
    `terminate_timeout` at least."""

    start_timeout: float = 30.0
    load_stall: float = 60.0
    beat_timeout: float = 10.0
    engine_stall: float = 60.0
    drain_timeout: float = 30.0
    terminate_timeout: float = 1.0
    save_timeout: float = 3.0
    backoff_base: float = 0.2
    backoff_cap: float = 30.0
    max_crashes: int = 5
    crash_window: float = 120.0
    failed_cooldown: float = 60.0
    memory_wait: float = 120.0


class State(msgspec.Struct, frozen=True):
    """One model's worker. `alive_at` is its last sign of life, `stepped_at` its engine's last step,
    `crashes` the times of the crashes in a row, `until` the end of a back-off, of `failed` or of a stop."""

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
    spawned_at: float = 0.0
    ready_at: float | None = None
