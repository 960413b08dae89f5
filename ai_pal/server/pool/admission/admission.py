"""Memory for loads: looks at what is free, asks the pure core, and reserves, all in one step."""

from collections.abc import Iterable, Sequence

import msgspec

from ai_pal import memory
from ai_pal.errors import Code, Failure
from ai_pal.memory import Claims, Decision, Resident, Use, claims
from ai_pal.memory.devices import Devices
from ai_pal.protocol.windows import with_own
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.admission.placing import blocks_for, place
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.warm_pool import NAME, NEED, WarmPool
from ai_pal.server.ports import Footprints, FreeMemory, Promises

RETRY_AFTER = 5.0
"""Seconds that a client is told to stay away when other models may leave room."""

FADING = 0.9
"""What is left from load to load of how fast a model was seen to read prompts, unless it is seen again."""

OF_WINDOWS = 1 / 8
"""Part of what is free beside a model that windows for each of its slots may take."""

BUSY_LEDGER = "another supervisor of yours is about to load a model"

SEE_NODES = "see: ai-pal cluster status"

HINTS = {
    Code.INSUFFICIENT_MEMORY: "choose a smaller model or `context`, `ai-pal unload` others, or raise "
    "`memory_budget` if it is set",
    Code.DISK_FULL: "free some space there, or name a folder that all nodes share: cluster.shared",
    Code.HASH_MISMATCH: "its file on this machine is damaged: ai-pal rm {model}, then pull it again",
    Code.DOWNLOAD_FAILED: "ask again: what has come is kept",
    Code.ENGINE_MISSING: "install it there, as on one machine: see docs/cluster.md",
}
"""What to do about a refusal, by its code."""

USES = {
    Phase.WAITING: Use.COMING,
    Phase.STARTING: Use.LOADING,
    Phase.FETCHING: Use.LOADING,
    Phase.LOADING: Use.LOADING,
    Phase.DRAINING: Use.LEAVING,
    Phase.STOPPING: Use.LEAVING,
    Phase.KILLING: Use.LEAVING,
}


class MemoryPolicy(msgspec.Struct, frozen=True):
    """Bounds in bytes: `budget` for all models together (0 is none), `low` stays free on the machine.
    `pressure` is the percentage of time that processes wait for memory from which on idle models go (0:
    never looked at), `max_loaded` the number of models (0 is no bound)."""

    budget: int = 0
    low: int = 0
    pressure: float = 0.0
    max_loaded: int = 0

    def presses(self, pressure: float) -> bool:
        """Whether processes wait for memory for too much of the time."""
        return self.pressure > 0 and pressure >= self.pressure

    def shortage(self, free: int, pressure: float) -> str:
        """Why a machine is short of memory, with the figures; "" where it is not."""
        if free < self.low:
            return f"{memory.gigabytes(free)} is free, less than {memory.gigabytes(self.low)}"
        waits = f"processes wait for it {pressure:.0f} % of the time"
        return waits if self.presses(pressure) else ""

    def relieve(self, free: int, pressure: float, residents: Sequence[Resident]) -> tuple[str, ...]:
        """Idle models that have to go for that."""
        return memory.relieve(free, self.low, residents, under_pressure=self.presses(pressure))


class Admission:
    """Decides for the pool who may load. A decision and its reservation are one step under the ledger's
    lock, so neither two loads nor two supervisors take the same memory."""

    def __init__(
        self,
        free: FreeMemory,
        ledger: Promises,
        footprints: Footprints,
        policy: MemoryPolicy,
        devices: Devices | None = None,
    ) -> None:
        self._devices = devices
        self._free, self._ledger, self._footprints, self._policy = free, ledger, footprints, policy

    def seek(self, worker: ModelWorker, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> Decision:
        """Whether this worker's model may load now; what it is promised is in `worker.reserved` then.

        That is what it needs and, until it was seen what it takes, as much as is free of what many
        conversations may add: it is not refused for want of that, and nobody goes for it.

        A spare worker of its engine is a part of what it needs; another one goes first."""
        workers = list(workers)
        worker.own_windows = False
        worker.reads = FADING * self._footprints.reads(worker.load)
        if self._devices is not None:
            one_more = worker.group.others_there(worker)  # nobody goes for it
            seen = self._devices.look(worker.resolved.load.engine)
            placed = place(
                worker,
                blocks_for(worker) if seen else None,
                workers,
                seen,
                lambda one: not one_more and resident(one).evictable,
            )
            worker.placement = placed.shares if placed.first is None else None
            if placed.first is not None:
                return placed.first
            if one_more and (less := less_on_devices(worker)):
                return less
        others = self._ledger.enter()
        if others is None:
            return memory.Wait(False, BUSY_LEDGER)
        need = self._footprints.need(worker.load)
        residents = [resident(one) for one in workers if one is not worker and counts(one)]
        spare = warm_pool.spare
        beside = spare.resident if spare else memory.Resident("", memory.Use.LEAVING)
        taken = sum(one.taken for one in residents) + beside.taken
        room = self._room(taken, others)
        own = spare is not None and spare.engine == worker.prepared and not spare.ending
        want = memory.Want(
            worker.name,
            need - (beside.taken if own else 0),
            worker.state.phase is Phase.WAITING,
            places(worker),
        )
        free = room - (0 if own else beside.promised)
        decision = memory.decide(want, free, residents, self._policy.max_loaded)
        if spare is not None and not own and not isinstance(decision, memory.Admit):
            without = memory.decide(want, room + beside.taken, residents, self._policy.max_loaded)
            if not isinstance(without, memory.Refuse):
                warm_pool.give_up(f"to make room for {worker.name}")
                leaving = memory.Wait(True, f"{worker.name} takes the place of {beside.model}")
                decision = leaving if isinstance(without, memory.Admit) else without
        hopeful = isinstance(decision, memory.Wait) and not decision.promised
        worker.reserved = 0 if hopeful or isinstance(decision, memory.Refuse) else need
        if isinstance(decision, memory.Admit):
            worker.reserved += self._more(worker, free - sum(one.promised for one in residents) - want.need)
        mine = claims(residents if own else [*residents, beside])
        self._ledger.leave(Claims(mine.taken, mine.promised + worker.reserved))
        return decision

    def _more(self, worker: ModelWorker, rest: int) -> int:
        """What else it is promised of the `rest` that is free: a window for each slot where that is little of
        it, and as much as there is of what many conversations may add."""
        own = with_own(worker.load)
        extra = self._footprints.need(own) - self._footprints.need(worker.load) if own is not None else 0
        worker.own_windows = 0 < extra <= rest * OF_WINDOWS
        extra = extra if worker.own_windows else 0
        return extra + max(0, min(rest - extra, self._footprints.headroom(worker.load)))

    def has_room_for_spare(self, workers: Iterable[ModelWorker]) -> bool:
        """Whether a spare worker fits without taking anything from anybody."""
        others = self._ledger.enter()
        if others is None:
            return False
        residents = [resident(worker) for worker in workers if counts(worker)]
        room = self._room(sum(one.taken for one in residents), others)
        decision = memory.decide(memory.Want(NAME, NEED), room, residents)
        fits = isinstance(decision, memory.Admit)
        mine = claims(residents)
        self._ledger.leave(Claims(mine.taken, mine.promised + (NEED if fits else 0)))
        return fits

    def fits(self, load: LoadModel, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """Whether it could be loaded now without taking anything from anybody. Promises nothing."""
        others = self._ledger.enter()
        if others is None:
            return False
        residents = [resident(worker) for worker in workers if counts(worker)]
        residents += [warm_pool.spare.resident] if warm_pool.spare else []
        room = self._room(sum(one.taken for one in residents), others)
        want = memory.Want(load.model, self._footprints.need(load))
        decision = memory.decide(want, room, residents, self._policy.max_loaded)
        self._ledger.leave(claims(residents))
        return isinstance(decision, memory.Admit)

    def publish(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> bool:
        """Tell the other supervisors what is promised by now; False: the ledger is taken, try again."""
        if self._ledger.enter() is None:
            return False
        residents = [resident(worker) for worker in workers if counts(worker)]
        self._ledger.leave(claims([*residents, *([warm_pool.spare.resident] if warm_pool.spare else [])]))
        return True

    def look(self, workers: Iterable[ModelWorker], warm_pool: WarmPool) -> tuple[tuple[str, ...], str]:
        """Idle models that have to go because the machine is short of memory, and why. The spare worker
        goes before them."""
        residents = [resident(worker) for worker in workers if counts(worker)]
        free, pressure = self._free.free(), self._free.pressure() if self._policy.pressure else 0.0
        short = self._policy.shortage(free, pressure)
        if warm_pool.spare is not None and short:
            warm_pool.give_up("the machine is short of memory")
            return (), ""
        return self._policy.relieve(free, pressure, residents), f"the machine is short of memory: {short}"

    def learn(self, worker: ModelWorker, *, loaded: bool = False) -> None:
        """Remember the most memory this worker has had, at the end of its load and of its requests, and
        promise it what is known now."""
        learn(self._footprints, worker, loaded=loaded)

    def ended(self, worker: ModelWorker, status: ExitStatus) -> None:
        """Nothing is learned from an end on this machine."""

    def moved(self, worker: ModelWorker) -> None:
        """All of them are looked at for each decision."""

    def _room(self, taken: int, others: Claims) -> int:
        """Bytes that nobody has taken, less what other supervisors have promised."""
        every = Claims(taken + others.taken, others.promised)
        return memory.room(self._free.free(), self._policy.low, self._policy.budget, every)


def learn(footprints: Footprints, worker: ModelWorker, *, loaded: bool) -> None:
    """Remember the most memory this worker has had, and promise it what is known now."""
    usage = worker.process.usage() if worker.process else None
    if usage is not None and usage.peak:
        there = usage.memory if loaded else 0
        footprints.learn(worker.load, usage.peak, resident=there, reads=worker.reads)
    if worker.reserved and not loaded:
        worker.reserved = footprints.need(worker.load)


def refusal(decision: memory.Refuse, model: str) -> Failure:
    """What the clients of a refused load of this model hear."""
    hint = HINTS.get(decision.code, SEE_NODES).format(model=model)
    after = RETRY_AFTER if decision.soon else None
    again = decision.code != Code.ENGINE_MISSING
    return Failure(decision.code, decision.reason, hint, retryable=again, retry_after=after)


def resident(worker: ModelWorker) -> Resident:
    """The worker as the memory core sees it."""
    usage = worker.process.usage() if worker.process else None
    busy = worker.busy or worker.wanted
    use = USES.get(worker.state.phase) or (Use.BUSY if busy else Use.IDLE)
    ending = worker.state.phase in (Phase.STOPPING, Phase.KILLING)
    taken, reserved = usage.private if usage else 0, 0 if ending else worker.reserved
    pinned, counted = worker.pinned, places(worker)
    return Resident(worker.name, use, taken, reserved, worker.idle_since, pinned, counted)


def places(worker: ModelWorker) -> int:
    """How many models it is, of those that may be loaded: a vocabulary is none, a node's replicas are one."""
    beside = (one for one in worker.group.members if counts(one) and one.node == worker.node)
    first = next(beside, worker)
    return 0 if worker.resolved.load.vocabulary or worker is not first else 1


def less_on_devices(worker: ModelWorker) -> memory.Refuse | None:
    """One more replica is to be as fast as the others: refused where less of it lies on devices."""
    if _on_devices(worker) >= max(map(_on_devices, worker.group.members)):
        return None
    return memory.Refuse(f"less of {worker.name} fits on the GPU than of the others", soon=True)


def _on_devices(worker: ModelWorker) -> int:
    """How many blocks of its model are on devices."""
    return sum(share.blocks for share in worker.placement or ())


def counts(worker: ModelWorker) -> bool:
    """Whether it has memory, or was promised some."""
    return worker.process is not None or worker.reserved > 0
