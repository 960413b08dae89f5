"""One worker of a model: its state, its process, and the jobs that run in it now."""

import math
from collections.abc import Mapping

import msgspec

from ai_pal.catalog.references.beside import moved
from ai_pal.catalog.references.resolved import Resolved
from ai_pal.memory.placement import seen_alone
from ai_pal.protocol.client import WorkerStatus
from ai_pal.protocol.cluster import CardShare, Supply
from ai_pal.protocol.windows import apart, has_what_is_asked
from ai_pal.protocol.worker import Gang, GenerationDone, LoadModel, Ready, Share
from ai_pal.server.nodes.base import Arrived, WorkerProcess
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.jobs.fair_queue import FairQueue
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.members.group import Group, Waiter
from ai_pal.server.pool.members.load_progress import LoadWatch

LONG_PROMPT = 256
"""Tokens from which on the time that a prompt took tells how fast the model reads."""


class Rank(msgspec.Struct, frozen=True):
    """A process of a gang but the first: as a worker has `node`, `there`, `supply` and `cards`."""

    node: str
    there: Mapping[str, str] = msgspec.field(default_factory=dict)
    supply: Supply | None = None
    cards: tuple[CardShare, ...] = ()


class ModelWorker(msgspec.Struct, eq=False):
    """All that the supervisor knows of one worker: the only one of its model, or one of its replicas."""

    group: "Group[ModelWorker]"  # what all replicas of the model share
    number: int = 1  # which of the replicas it is, from 1
    state: lifecycle.State = lifecycle.State()
    process: WorkerProcess | None = None
    identity: str = ""  # names its process at the socket
    info: Ready | None = None
    greeted: bool = False
    watch: LoadWatch | None = None
    active: dict[int, WorkerJob] = msgspec.field(default_factory=dict)  # jobs sent, end not confirmed
    taken: int = 0  # slots that these occupy
    idle_since: float = 0.0
    looked_at: float = -math.inf  # when its memory was last measured
    look_at: float | None = None  # when it is to be measured next
    served: int = 0
    restarts: int = 0
    reserved: int = 0  # bytes of memory promised to it
    admitted: bool = False  # it may start its process
    placement: list[Share] | None = None  # how much of its memory is on which device
    own_windows: bool = False  # each slot has a context window of its own
    reads: float = 0.0  # tokens of a prompt that it reads in a second
    node: str = ""  # where it runs, or will; "" for this machine
    there: Mapping[str, str] = msgspec.field(default_factory=dict)  # where the node has our paths
    supply: Supply | None = None  # files that its node has to have
    cards: tuple[CardShare, ...] = ()  # GPUs of the node that it may use
    gang: Gang | None = None  # several processes over nodes of which this is the first
    ranks: tuple[Rank, ...] = ()  # the other processes of its gang
    arrived: Arrived | None = None  # how much of `supply` has arrived

    @property
    def resolved(self) -> Resolved:
        return self.group.resolved

    @property
    def queue(self) -> FairQueue[WorkerJob]:
        return self.group.queue

    @property
    def counts(self) -> FairQueue[WorkerJob]:
        return self.group.counts

    @property
    def loaders(self) -> list[Waiter]:
        return self.group.loaders

    @property
    def keep_alive(self) -> float:
        return self.group.keep_alive

    @property
    def model(self) -> str:
        return self.resolved.load.model

    @property
    def load(self) -> LoadModel:
        """What its process is to load, and where; with paths of this machine. On a node it sees no
        cards but its own."""
        load, placement = self.resolved.load, self.placement
        if self.cards and placement:
            load, placement = msgspec.structs.replace(load, device=""), seen_alone(placement)
        return msgspec.structs.replace(
            load,
            placement=placement,
            gang=self.gang,
            own_windows=self.own_windows,
            reads=self.reads,
        )

    @property
    def load_there(self) -> LoadModel:
        """The same with the paths of its node: what its process is told."""
        return self.load_at(self.there)

    def load_at(self, there: Mapping[str, str]) -> LoadModel:
        """The same where what lies at a path here lies elsewhere."""
        load = self.load
        path, options = there.get(load.path, load.path), moved(load.options, there)
        return msgspec.structs.replace(load, path=path, options=options)

    @property
    def name(self) -> str:
        """Its own among all workers: the first has that of the model."""
        return self.resolved.name if self.number == 1 else f"{self.resolved.name}#{self.number}"

    @property
    def nodes(self) -> tuple[str, ...]:
        """All that it runs on or is to: those of its processes, the first of all in front."""
        return (self.node, *(rank.node for rank in self.ranks))

    @property
    def prepared(self) -> str:
        """The engine that a spare worker may have imported for it; a vocabulary needs none."""
        return "" if self.resolved.load.vocabulary else self.resolved.load.engine

    def serves(self, resolved: Resolved) -> bool:
        """Whether it answers for this model, too: the same file, loaded as is asked for. Once it is loaded,
        its windows count as they are, whatever was asked for."""
        if self.resolved.is_like(resolved) or self.info is None:
            return self.resolved.is_like(resolved)
        mine, asked = (
            msgspec.structs.replace(one, load=apart(one.load)) for one in (self.resolved, resolved)
        )
        return has_what_is_asked(self.load, resolved.load) and mine.is_like(asked)

    @property
    def busy(self) -> bool:
        return bool(self.active)

    @property
    def asked(self) -> int:
        """How many jobs somebody waits for: a question of a calibration gives way to whoever asks."""
        return sum(not one.job.background for one in self.active.values())

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for this model: then a lost worker is replaced."""
        return self.group.wanted

    @property
    def in_use(self) -> bool:
        """Whether it has a process, or somebody waits for one."""
        return self.process is not None or self.wanted

    @property
    def pinned(self) -> bool:
        """Whether it stays until it is unloaded by request: not what came because of much to do."""
        return self.resolved.pinned and self.number <= self.resolved.replicas

    @property
    def free(self) -> int:
        """How many more requests the worker takes now."""
        if self.state.phase is not lifecycle.Phase.READY or self.info is None:
            return 0
        return self.info.slots - self.taken

    def has_read(self, message: GenerationDone) -> None:
        """An answer is over: learn how fast long prompts are read, at best."""
        tokens = message.usage.prompt_tokens - message.usage.cached_tokens
        if tokens >= LONG_PROMPT and message.prefill > 0:
            self.reads = max(self.reads, tokens / message.prefill)

    def begin(self, job: WorkerJob) -> None:
        """It was sent this job."""
        self.active[job.key] = job
        self.taken += job.takes_slot

    def end(self, job: WorkerJob) -> None:
        """It is through with this job."""
        del self.active[job.key]
        self.taken -= job.takes_slot

    def lose(self) -> list[WorkerJob]:
        """Its process has ended; the jobs that it had."""
        lost = list(self.active.values())
        self.active.clear()
        self.taken = 0
        return lost

    def cancelled_since(self, when: float) -> bool:
        """Whether a request that was cancelled by then still occupies the worker."""
        return any(r.cancel_at is not None and r.cancel_at <= when for r in self.active.values())

    def unload_at(self) -> float | None:
        """When the reaper takes this worker, or None: never, or not while it is busy, wanted or loading."""
        return None if self.busy else self._idle_until()

    def _idle_until(self) -> float | None:
        """When nobody will have asked it for long enough: then it goes, if need be between two questions."""
        staying = self.keep_alive < 0 or self.resolved.pinned
        if self.state.phase is not lifecycle.Phase.READY or self.asked or self.wanted or staying:
            return None
        if self.group.replicated:
            return self.group.unload_at()
        return self.idle_since + self.keep_alive

    def status(self, now: float) -> WorkerStatus:
        ready = self.state.phase is lifecycle.Phase.READY
        usage = self.process.usage() if self.process else None
        asked, unload_at, face = self.asked, self._idle_until(), self.group.is_face(self)
        fewer = self.group.held_because if face else ""
        return WorkerStatus(
            model=self.name,
            state="busy" if ready and asked else str(self.state.phase),
            engine=self.resolved.load.engine,
            pid=self.process.pid if self.process else None,
            progress=self.state.progress,
            memory=usage.memory if usage else 0,
            active=asked,
            queued=len(self.queue) + len(self.counts) if face else 0,
            requests=self.served,
            restarts=self.restarts,
            context=self.info.context if self.info else 0,
            slots=self.info.slots if self.info else 0,
            idle_for=now - self.idle_since if ready and not asked else None,
            unloads_in=None if unload_at is None else max(0.0, unload_at - now),
            keep_alive=self.keep_alive,
            reason=self.state.reason.message if self.state.reason else fewer,
            reserved=self.reserved,
            pinned=self.pinned,
            abilities=self.info.abilities if self.info and not self.resolved.load.vocabulary else [],
            vocabulary=self.resolved.load.vocabulary,
            threads=self.info.threads if self.info else 0,
            node=self.node,
            replica=self.number,
        )
