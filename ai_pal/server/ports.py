"""The ports of the supervisor: what it needs of the machine around it, as protocols. `ai_pal.server.app`
implements them for real, `tests/simulation` in virtual time."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.memory import Claims
from ai_pal.protocol.client import Event
from ai_pal.protocol.worker import LoadModel, ToWorker
from ai_pal.transport.sockets import Blob


class FreeMemory(Protocol):
    """How short of memory this machine is."""

    def free(self) -> int:
        """Bytes that new processes can have."""

    def pressure(self) -> float:
        """The percentage of time that some process waits for memory; 0 where it is not known."""


class Promises(Protocol):
    """What the supervisors of this user have promised to loads, under one lock."""

    def enter(self) -> Claims | None:
        """Take the lock; the claims of the others. None: another has it just now, ask again soon."""

    def leave(self, mine: Claims) -> None:
        """Write down the claims of this one, and let go of the lock."""


class Footprints(Protocol):
    """How much memory models need."""

    def need(self, load: LoadModel) -> int:
        """The peak in bytes that this load, and requests of a full window after it, will come to."""

    def headroom(self, load: LoadModel) -> int:
        """What many conversations may take on top; 0 once it was seen how much this model takes."""

    def reads(self, load: LoadModel) -> float:
        """Tokens of a prompt that this model was seen to read in a second; 0 for never."""

    def learn(self, load: LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None:
        """A worker came to this peak in bytes; at the end of its load it has `resident` ones of them. It
        `reads` so many tokens of a prompt in a second (0: not known)."""


class Clients(Protocol):
    """Takes events to clients; a client that has gone is no error."""

    def send(self, client: bytes, event: Event) -> None: ...


class Workers(Protocol):
    """Takes messages to workers, with the large parts that they refer to. False: the worker cannot be reached
    (its exit will be seen too)."""

    def send(self, worker: str, message: ToWorker, blobs: Sequence[Blob] = ()) -> bool: ...


class Clock(Protocol):
    """Monotonic seconds, and one alarm that calls `Supervisor.tick`."""

    def now(self) -> float: ...

    def wake_at(self, when: float) -> None:
        """Ask for a tick at `when`; of several calls the earliest counts."""


Resolve = Callable[[str], Resolved]
"""Finds a model reference. Raises `AiPalError` (`model_not_found`, `model_not_here`, ...)."""

Jitter = Callable[[], float]
"""Uniform in [0, 1)."""

Observe = Callable[..., None]
"""Structured log: `observe(event, **fields)`. Never given prompt text."""
