"""The replicas of one model, and what they share: who waits for the model, how long it stays, who has read
what. A model with one worker is a group of one."""

import itertools
from collections.abc import Iterator, Sized
from typing import Generic, Protocol, TypeVar

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.server.pool.jobs.fair_queue import FairQueue
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.jobs.prefixes import KnownPrefixes
from ai_pal.server.pool.lifecycle import Phase, State
from ai_pal.server.pool.members.replicas import Bounds, Replica, Standing

STANDINGS = {
    Phase.GONE: Standing.ABSENT,
    Phase.STARTING: Standing.COMING,
    Phase.FETCHING: Standing.COMING,
    Phase.LOADING: Standing.COMING,
    Phase.READY: Standing.UP,
}
"""Of the other phases it is away."""

THERE = frozenset({Phase.STARTING, Phase.FETCHING, Phase.LOADING, Phase.READY})


class Waiter(msgspec.Struct, frozen=True):
    """A client that asked for this model to be loaded and waits to hear of it; what it was told."""

    client: bytes
    id: int
    since: float
    told_reason: str = ""
    told_progress: float = -1.0
    told_node: str = ""


class Member(Protocol):
    """A worker as its group sees it."""

    number: int
    idle_since: float

    @property
    def state(self) -> State: ...

    @property
    def process(self) -> object | None: ...

    @property
    def active(self) -> Sized: ...

    @property
    def busy(self) -> bool: ...


M = TypeVar("M", bound=Member)


class Group(msgspec.Struct, Generic[M], eq=False):
    """The replicas of one model and what they share. Times are seconds of the supervisor's clock."""

    resolved: Resolved
    queue: FairQueue[WorkerJob]  # jobs that wait for a slot
    counts: FairQueue[WorkerJob]  # jobs that need no slot, such as counting tokens
    keep_alive: float
    kept_as_said: bool = False  # `keep_alive` comes from a request
    loaders: list[Waiter] = msgspec.field(default_factory=list)  # clients that wait for the load alone
    members: list[M] = msgspec.field(default_factory=list)  # the first always stays
    prefixes: KnownPrefixes | None = None  # which replica has read what
    idle_since: float = 0.0  # when the last of its requests ended
    changed_at: float = 0.0  # when a replica last became ready
    held_until: float = 0.0  # no further replica is started before this time
    held_because: str = ""  # why there are no more, if that is worth telling
    given_up: bool = False  # a replica was given up since one was last ready; its jobs wait for the others

    @property
    def replicated(self) -> bool:
        """Whether it may have more than one worker, or has."""
        return self.resolved.most_replicas > 1 or len(self.members) > 1

    @property
    def first(self) -> M:
        return self.members[0]

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.resolved.replicas, max(self.resolved.replicas, self.resolved.most_replicas))

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for this model."""
        return bool(self.queue) or bool(self.counts) or bool(self.loaders)

    @property
    def has_process(self) -> bool:
        return any(one.process is not None for one in self.members)

    @property
    def waiting(self) -> Iterator[WorkerJob]:
        """The jobs that no worker was sent."""
        return itertools.chain(self.queue, self.counts)

    @property
    def waiting_since(self) -> float | None:
        """When the job was accepted that waits longest for a slot."""
        return min((job.accepted_at for job in self.queue.heads), default=None)

    def line_of(self, job: WorkerJob) -> FairQueue[WorkerJob]:
        """Where this job waits."""
        return self.queue if job.takes_slot else self.counts

    def standings(self, but: M | None = None) -> list[Replica]:
        """How its replicas stand, those that were never called too; all `but` one."""
        known = {one.number: one for one in self.members}
        numbers = range(1, max(self.bounds.most, *known) + 1)
        found = [_standing(number, known.get(number)) for number in numbers]
        return [one for one in found if but is None or one.number != but.number]

    def others_there(self, worker: M) -> bool:
        """Whether another one answers, or is about to."""
        return any(one is not worker and one.state.phase in THERE for one in self.members)

    @property
    def ready(self) -> bool:
        """Whether one of them answers."""
        return any(one.state.phase is Phase.READY for one in self.members)

    def keep(self, said: float | None, usual: float | None) -> None:
        """How long it stays after its last request: as `said`, else as is `usual` for a client, unless the
        model has a setting of its own or another request has said it."""
        if said is not None:
            self.keep_alive, self.kept_as_said = said, True
        elif usual is not None and not self.kept_as_said and self.resolved.keep_alive is None:
            self.keep_alive = usual

    def leave(self, client: bytes, request_id: int | None = None) -> list[Waiter]:
        """Take out this client's loads, all or one of them; they are given back."""
        leaving = [w for w in self.loaders if w.client == client and request_id in (None, w.id)]
        self.loaders = [w for w in self.loaders if w not in leaving]
        return leaving

    def unload_at(self) -> float | None:
        """When all replicas go that nobody keeps; None while one has something to do, or comes."""
        coming = any(STANDINGS.get(one.state.phase) is Standing.COMING for one in self.members)
        if coming or any(one.busy for one in self.members):
            return None
        return self.idle_since + self.keep_alive

    @property
    def goes_at(self) -> float | None:
        """When the replicas that nobody keeps do go, if nothing happens until then."""
        stays = self.keep_alive < 0 or self.resolved.pinned or self.wanted or not self.ready
        return None if stays else self.unload_at()

    def goes(self, now: float) -> bool:
        """Whether that is now."""
        when = self.goes_at
        return when is not None and when <= now

    def is_face(self, worker: M) -> bool:
        """Whether what is said of the model as a whole is said of this one: the first that has not ended."""
        alive = (one for one in self.members if one.state.phase is not Phase.GONE)
        return worker is next(alive, self.first)


def _standing(number: int, worker: Member | None) -> Replica:
    if worker is None:
        return Replica(number)
    standing = STANDINGS.get(worker.state.phase, Standing.AWAY)
    return Replica(number, standing, len(worker.active), worker.idle_since)
