"""Memory for loads: looks at what is free, asks the pure core, and reserves, all in one step."""

from collections.abc import Iterable, Sequence

import msgspec

from ai_pal import memory
from ai_pal.errors import Code, Failure
from ai_pal.lifecycle import Phase
from ai_pal.memory import Claims, Decision, Resident, Use, claims
from ai_pal.supervisor.ports import Footprints, FreeMemory, Ledger
from ai_pal.supervisor.slot import Slot
from ai_pal.supervisor.spare import NAME, NEED, SpareShelf

RETRY_AFTER = 5.0
"""Seconds that a client is told to stay away when other models may leave room."""

BUSY_LEDGER = "another supervisor of yours is about to load a model"

USES = {
    Phase.WAITING: Use.COMING,
    Phase.STARTING: Use.LOADING,
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


class Admission:
    """Decides for the pool who may load. A decision and its reservation are one step under the ledger's
    lock, so neither two loads nor two supervisors take the same memory."""

    def __init__(
        self, free: FreeMemory, ledger: Ledger, footprints: Footprints, policy: MemoryPolicy
    ) -> None:
        self._free, self._ledger, self._footprints, self._policy = free, ledger, footprints, policy

    def seek(self, slot: Slot, slots: Iterable[Slot], spares: SpareShelf) -> Decision:
        """Whether this slot's model may load now; what it is promised is in `slot.reserved` afterwards.

        That is what it needs and, until it was seen what it takes, as much as is free of what many
        conversations may add: it is not refused for want of that, and nobody goes for it.

        A spare worker of its engine is a part of what it needs; another one goes first."""
        others = self._ledger.enter()
        if others is None:
            return memory.Wait(False, BUSY_LEDGER)
        need = self._footprints.need(slot.resolved.load)
        residents = [resident(one) for one in slots if one is not slot and _counts(one)]
        spare = spares.spare
        beside = spare.resident if spare else memory.Resident("", memory.Use.LEAVING)
        taken = sum(one.taken for one in residents) + beside.taken
        room = self._room(taken, others)
        own = spare is not None and spare.engine == slot.resolved.load.engine and not spare.ending
        want = memory.Want(slot.model, need - (beside.taken if own else 0), slot.state.phase is Phase.WAITING)
        free = room - (0 if own else beside.promised)
        decision = memory.decide(want, free, residents, self._policy.max_loaded)
        if spare is not None and not own and not isinstance(decision, memory.Admit):
            without = memory.decide(want, room + beside.taken, residents, self._policy.max_loaded)
            if not isinstance(without, memory.Refuse):
                spares.give_up(f"to make room for {slot.model}")
                leaving = memory.Wait(True, f"{slot.model} takes the place of {beside.model}")
                decision = leaving if isinstance(without, memory.Admit) else without
        hopeful = isinstance(decision, memory.Wait) and not decision.promised
        slot.reserved = 0 if hopeful or isinstance(decision, memory.Refuse) else need
        if isinstance(decision, memory.Admit):
            rest = free - sum(one.promised for one in residents) - want.need
            slot.reserved += max(0, min(rest, self._footprints.headroom(slot.resolved.load)))
        mine = claims(residents if own else [*residents, beside])
        self._ledger.leave(Claims(mine.taken, mine.promised + slot.reserved))
        return decision

    def has_room_for_spare(self, slots: Sequence[Slot]) -> bool:
        """Whether a spare worker fits without taking anything from anybody."""
        others = self._ledger.enter()
        if others is None:
            return False
        residents = [resident(slot) for slot in slots if _counts(slot)]
        room = self._room(sum(one.taken for one in residents), others)
        decision = memory.decide(memory.Want(NAME, NEED), room, residents)
        fits = isinstance(decision, memory.Admit)
        mine = claims(residents)
        self._ledger.leave(Claims(mine.taken, mine.promised + (NEED if fits else 0)))
        return fits

    def publish(self, slots: Sequence[Slot], spares: SpareShelf) -> bool:
        """Tell the other supervisors what is promised by now; False: the ledger is taken, try again."""
        if self._ledger.enter() is None:
            return False
        residents = [resident(slot) for slot in slots if _counts(slot)]
        self._ledger.leave(claims([*residents, *([spares.spare.resident] if spares.spare else [])]))
        return True

    def look(self, slots: Sequence[Slot], spares: SpareShelf) -> tuple[tuple[str, ...], str]:
        """Idle models that have to go because the machine is short of memory, and why. The spare worker
        goes before them."""
        residents = [resident(slot) for slot in slots if _counts(slot)]
        free, pressure = self._free.free(), self._free.pressure() if self._policy.pressure else 0.0
        pressed = self._policy.pressure > 0 and pressure >= self._policy.pressure
        if spares.spare is not None and (pressed or free < self._policy.low):
            spares.give_up("the machine is short of memory")
            return (), ""
        going = memory.relieve(free, self._policy.low, residents, under_pressure=pressed)
        if free < self._policy.low:
            figures = f"{memory.gigabytes(free)} is free, less than {memory.gigabytes(self._policy.low)}"
            return going, f"the machine is short of memory: {figures}"
        return going, f"the machine is short of memory: processes wait for it {pressure:.0f} % of the time"

    def learn(self, slot: Slot, *, loaded: bool = False) -> None:
        """Remember the most memory this worker has had, at the end of its load and of its requests, and
        promise it what is known now."""
        usage = slot.process.usage() if slot.process else None
        if usage is not None and usage.peak:
            resident = usage.memory if loaded else 0
            self._footprints.learn(slot.resolved.load, usage.peak, resident=resident)
        if slot.reserved and not loaded:
            slot.reserved = self._footprints.need(slot.resolved.load)

    def _room(self, taken: int, others: Claims) -> int:
        """Bytes that nobody has taken, less what other supervisors have promised."""
        every = Claims(taken + others.taken, others.promised)
        return memory.room(self._free.free(), self._policy.low, self._policy.budget, every)


def refusal(decision: memory.Refuse) -> Failure:
    """What the clients of a refused load hear."""
    return Failure(
        Code.INSUFFICIENT_MEMORY,
        decision.reason,
        "choose a smaller model or `context`, `ai-pal unload` others, or raise `memory_budget` if it is set",
        retryable=True,
        retry_after=RETRY_AFTER if decision.soon else None,
    )


def resident(slot: Slot) -> Resident:
    """The slot as the memory core sees it."""
    usage = slot.process.usage() if slot.process else None
    busy = slot.busy or slot.wanted
    use = USES.get(slot.state.phase) or (Use.BUSY if busy else Use.IDLE)
    ending = slot.state.phase in (Phase.STOPPING, Phase.KILLING)
    taken, reserved = usage.private if usage else 0, 0 if ending else slot.reserved
    return Resident(slot.model, use, taken, reserved, slot.idle_since, slot.resolved.pinned)


def _counts(slot: Slot) -> bool:
    return slot.process is not None or slot.reserved > 0
