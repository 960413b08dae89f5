"""Memory for loads: looks at what is free, asks the pure core, and reserves, all in one step."""

from collections.abc import Iterable, Sequence

import msgspec

from ai_pal import memory
from ai_pal.errors import Code, Failure
from ai_pal.lifecycle import Phase
from ai_pal.memory import Claims, Decision, Resident, Use, claims
from ai_pal.supervisor.ports import Footprints, FreeMemory, Ledger
from ai_pal.supervisor.slot import Slot

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

    def seek(self, slot: Slot, slots: Iterable[Slot]) -> Decision:
        """Whether this slot's model may load now; what it is promised is in `slot.reserved` afterwards."""
        others = self._ledger.enter()
        if others is None:
            return memory.Wait(False, BUSY_LEDGER)
        need = self._footprints.need(slot.resolved.load)
        residents = [resident(one) for one in slots if one is not slot and _counts(one)]
        want = memory.Want(slot.model, need, slot.state.phase is Phase.WAITING)
        decision = memory.decide(want, self._room(residents, others), residents, self._policy.max_loaded)
        hopeful = isinstance(decision, memory.Wait) and not decision.promised
        slot.reserved = 0 if hopeful or isinstance(decision, memory.Refuse) else need
        mine = claims(residents)
        self._ledger.leave(Claims(mine.taken, mine.promised + slot.reserved))
        return decision

    def publish(self, slots: Sequence[Slot]) -> bool:
        """Tell the other supervisors what is promised by now; False: the ledger is taken, try again."""
        if self._ledger.enter() is None:
            return False
        self._ledger.leave(claims(resident(slot) for slot in slots if _counts(slot)))
        return True

    def look(self, slots: Sequence[Slot]) -> tuple[tuple[str, ...], str]:
        """Idle models that have to go because the machine is short of memory, and why."""
        residents = [resident(slot) for slot in slots if _counts(slot)]
        free, pressure = self._free.free(), self._free.pressure() if self._policy.pressure else 0.0
        pressed = self._policy.pressure > 0 and pressure >= self._policy.pressure
        going = memory.relieve(free, self._policy.low, residents, under_pressure=pressed)
        if free < self._policy.low:
            figures = f"{memory.gigabytes(free)} is free, less than {memory.gigabytes(self._policy.low)}"
            return going, f"the machine is short of memory: {figures}"
        return going, f"the machine is short of memory: processes wait for it {pressure:.0f} % of the time"

    def learn(self, slot: Slot, *, loaded: bool = False) -> None:
        """Remember the most memory this worker has had, at the end of its load and of its requests."""
        usage = slot.process.usage() if slot.process else None
        if usage is not None and usage.peak:
            self._footprints.learn(slot.resolved.load, usage.peak, loaded=loaded)

    def _room(self, residents: list[Resident], others: Claims) -> int:
        """Bytes that nobody has taken, less what other supervisors have promised."""
        free = self._free.free() - self._policy.low
        if self._policy.budget:
            taken = sum(one.taken for one in residents) + others.taken
            free = min(free, self._policy.budget - taken)
        return free - others.promised


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
