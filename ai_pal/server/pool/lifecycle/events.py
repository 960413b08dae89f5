"""What happens to a worker (events), and what is to be done about it (actions)."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.server.nodes.base import ExitStatus


class Demand(msgspec.Struct, frozen=True):
    """Somebody wants the model. `fresh` forgets earlier crashes (an explicit load)."""

    fresh: bool = False


class Deferred(msgspec.Struct, frozen=True):
    """There is no room for the process that was to be started yet, or its node cannot run it; `reason` says
    why."""

    reason: Failure


class Room(msgspec.Struct, frozen=True):
    """There is room now for what waited."""


class Denied(msgspec.Struct, frozen=True):
    """There is no room, and no use in waiting."""

    reason: Failure


class SpawnRefused(msgspec.Struct, frozen=True):
    """The process could not even be started."""

    failure: Failure
    jitter: float


class Fetching(msgspec.Struct, frozen=True):
    """Its node gets its files before it starts; a `fraction` of them is there, in [0, 1]."""

    fraction: float


class Connected(msgspec.Struct, frozen=True):
    """The worker said hello."""


class Alive(msgspec.Struct, frozen=True):
    """A sign of progress; during a load also `fraction` of it, in [0, 1]."""

    fraction: float | None = None


class Beat(msgspec.Struct, frozen=True):
    """The worker's own loop came round; `steps` is its engine's step counter. No sign of progress in a
    load, which runs beside that loop."""

    steps: int
    busy: bool


class LoadFinished(msgspec.Struct, frozen=True):
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
    | Deferred
    | Room
    | Denied
    | SpawnRefused
    | Fetching
    | Connected
    | Alive
    | Beat
    | LoadFinished
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
