"""What the simulated workers do, drawn from the seed when each of them starts."""

import random
from enum import StrEnum

import msgspec

from ai_pal.server.pool.lifecycle import Policy
from ai_pal.server.pool.members.replicas import Pace
from ai_pal.server.pool.policy import PoolPolicy
from tests.simulation.hub import DISTANT


class Fault(StrEnum):
    """What goes wrong in one incarnation. `freeze_*` is a process that does nothing more, `hang_*`
    an engine that makes no more steps while the worker's loop lives."""

    NONE = "none"
    NO_SPAWN = "no_spawn"
    CRASH_START = "crash_start"
    CRASH_LOAD = "crash_load"
    CRASH_READY = "crash_ready"
    CRASH_PREFILL = "crash_prefill"
    CRASH_TOKEN = "crash_token"
    REFUSE_NEVER = "refuse_never"
    REFUSE_RETRY = "refuse_retry"
    FREEZE_START = "freeze_start"
    FREEZE_LOAD = "freeze_load"
    FREEZE_TOKEN = "freeze_token"
    HANG_LOAD = "hang_load"
    HANG_TOKEN = "hang_token"
    DEAF = "deaf"
    GARBAGE = "garbage"
    GAP = "gap"
    LOSE_LINK = "lose_link"


class Temper(msgspec.Struct, frozen=True):
    """A model's nature: how often an incarnation goes wrong, in which ways, how slow it may be."""

    risk: float = 0.0
    faults: tuple[Fault, ...] = ()
    slow: bool = False
    slots: int = 2
    replicas: int = 1
    most_replicas: int = 1


class Plan(msgspec.Struct, frozen=True):
    """One incarnation. Times in seconds; `fault_at` counts load steps, prefill steps or tokens."""

    fault: Fault
    fault_at: int
    start: float
    load_steps: int
    load_step: float
    silent_load: bool
    prefill_steps: int
    pace: float
    slots: int


POLICY = PoolPolicy(
    worker=Policy(
        start_timeout=5.0,
        load_stall=8.0,
        beat_timeout=4.0,
        engine_stall=6.0,
        drain_timeout=6.0,
        terminate_timeout=2.0,
        backoff_base=0.2,
        backoff_cap=4.0,
        max_crashes=4,
        crash_window=20.0,
        failed_cooldown=10.0,
        memory_wait=15.0,
    ),
    queue_size=5,
    keep_alive=6.0,
    cancel_timeout=5.0,
    replicas=Pace(up_after=0.5, down_after=3.0, hold=4.0),
)
"""The real budgets in small, so that a history of minutes holds many faults."""

ALL_FAULTS = tuple(Fault)[1:]
REPLICATED, SEVERAL = 0.4, 0.6
"""In how many histories models may have replicas, and how many of the models there."""
MOST_REPLICAS = 3


def tempers(dice: random.Random) -> dict[str, Temper]:
    """A few models: a sound one, a slow one, a faulty one, one that always fails in the same way."""
    return {
        "sound": Temper(slots=dice.randint(1, 4)),
        DISTANT: Temper(),
        "slow": Temper(slow=True, slots=dice.randint(1, 2)),
        "faulty": Temper(dice.choice((0.3, 0.7)), ALL_FAULTS, slots=dice.randint(1, 3)),
        "doomed": Temper(1.0, (dice.choice(ALL_FAULTS),), slow=dice.random() < 0.3),
    }


def with_replicas(seed: int, models: dict[str, Temper]) -> dict[str, Temper]:
    """Some of them may have more than one worker; drawn apart, so that all else of a seed is as it was."""
    dice = random.Random(f"replicas {seed}")
    found = {}
    for name, temper in models.items():
        least, more = dice.randint(1, 2), dice.randint(0, 1)
        several = dice.random() < SEVERAL
        bounds = {"replicas": least, "most_replicas": least + more} if several else {}
        found[name] = msgspec.structs.replace(temper, **bounds)
    return found


def draw(dice: random.Random, temper: Temper) -> Plan:
    """What the next incarnation of such a model does."""
    wrong = bool(temper.faults) and dice.random() < temper.risk
    worker = POLICY.worker
    return Plan(
        fault=dice.choice(temper.faults) if wrong else Fault.NONE,
        fault_at=dice.randint(0, 6),
        start=dice.uniform(0.5, 0.7) * worker.start_timeout if temper.slow else dice.uniform(0.05, 0.5),
        load_steps=dice.randint(1, 10),
        load_step=dice.uniform(0.1, 0.8) * worker.load_stall if temper.slow else dice.uniform(0.01, 0.3),
        silent_load=dice.random() < 0.3,
        prefill_steps=dice.randint(0, 4),
        pace=dice.uniform(0.1, 0.6) * worker.engine_stall if temper.slow else dice.choice((0.005, 0.03, 0.2)),
        slots=temper.slots,
    )
