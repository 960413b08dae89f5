"""Room for models: a load gets its memory before it starts, waits for it or is refused; idle models go
for it. Part of the supervisor's reactor: synchronous, like everything there."""

from collections.abc import Callable, Iterable

from ai_pal import lifecycle, memory
from ai_pal.errors import Code, Failure
from ai_pal.lifecycle import Phase
from ai_pal.supervisor.admission import BUSY_LEDGER, Admission, refusal
from ai_pal.supervisor.ports import Clock, Observe
from ai_pal.supervisor.slot import Slot
from ai_pal.supervisor.spare import SpareShelf

ROOM_LOOK_INTERVAL = 0.25
"""Seconds between two looks whether there is memory for a load that waits."""

SETTLE = 1.0
"""Seconds that the system may take to count the memory of an ended process as free."""

PRESSURE_INTERVAL = 1.5
"""Seconds between two looks, while models are loaded, whether the machine is short of memory."""

HOLDING = lifecycle.RUNNING | {Phase.WAITING}
"""Phases in which memory may be promised to a slot."""


class Room:
    """Carries out for the pool what `admission` decides; without one there is room for everything.

    `apply` is the pool's, `told` hears of a load that has begun to wait."""

    def __init__(
        self,
        admission: Admission | None,
        slots: Iterable[Slot],
        spares: SpareShelf,
        *,
        clock: Clock,
        observe: Observe,
        apply: Callable[[Slot, lifecycle.AnyEvent], None],
        told: Callable[[Slot], None],
    ) -> None:
        self._admission, self._slots, self._spares = admission, slots, spares
        self._clock, self._observe, self._apply, self._told = clock, observe, apply, told
        self._pressure_at = 0.0

    def next_look(self, slot: Slot) -> float | None:
        """When memory has to be looked at again because of this slot."""
        if slot.state.phase is Phase.WAITING:
            return self._clock.now() + ROOM_LOOK_INTERVAL
        return self._pressure_at if slot.process is not None and self._admission is not None else None

    def for_spare(self) -> bool:
        """Whether a spare worker fits without taking anything from anybody."""
        return self._admission is None or self._admission.has_room_for_spare(list(self._slots))

    def has(self, slot: Slot) -> bool:
        """Whether the slot may start its process, in memory that is reserved for it from now on.

        If not, others were asked to make room, or it waits, or it is refused."""
        if self._admission is None or slot.admitted:
            return True
        decision = self._admission.seek(slot, self._slots, self._spares)
        match decision:
            case memory.Admit():
                slot.admitted = True
            case memory.Evict():
                self._evict(decision.models, f"evicted to make room for {slot.model}")
                self._defer(slot, f"unloading {', '.join(decision.models)}: {decision.reason}")
            case memory.Wait():
                self._defer(slot, f"insufficient memory: {decision.reason}")
            case memory.Refuse() if self._still_settling(slot):
                self._defer(slot, decision.reason)
            case memory.Refuse():
                self._observe("load_refused", model=slot.model, reason=decision.reason)
                self._apply(slot, lifecycle.Denied(refusal(decision)))
        return slot.admitted

    def relieve(self, now: float) -> None:
        """While models are loaded: unload idle ones when the machine gets short of memory."""
        if self._admission is None or now < self._pressure_at:
            return
        told = self._admission.publish(list(self._slots), self._spares)
        self._pressure_at = now + (PRESSURE_INTERVAL if told else ROOM_LOOK_INTERVAL)
        if not told or self._spares.spare is not None:
            self._clock.wake_at(self._pressure_at)
        models, reason = self._admission.look(list(self._slots), self._spares)
        self._evict(models, reason)

    def release(self, slot: Slot) -> None:
        """What was promised to the slot is free: loads may wait for it, here or in another supervisor."""
        slot.reserved, slot.admitted = 0, False
        if self._admission is not None and not self._admission.publish(list(self._slots), self._spares):
            self._pressure_at = 0.0  # the next tick tries again
        self._clock.wake_at(self._clock.now())

    def learn(self, slot: Slot, *, loaded: bool = False) -> None:
        if self._admission is not None:
            self._admission.learn(slot, loaded=loaded)

    def _still_settling(self, slot: Slot) -> bool:
        waiting = slot.state.phase is Phase.WAITING
        return waiting and self._clock.now() - slot.state.since < SETTLE

    def _defer(self, slot: Slot, reason: str) -> None:
        before = slot.state.reason
        if slot.state.phase is Phase.WAITING and before and BUSY_LEDGER not in before.message:
            return  # it knows already: the figures change all the time
        self._observe("load_waits", model=slot.model, reason=reason)
        waits = Failure(Code.INSUFFICIENT_MEMORY, reason, "free memory, or try again later", retryable=True)
        self._apply(slot, lifecycle.Deferred(waits))
        self._told(slot)

    def _evict(self, models: tuple[str, ...], reason: str) -> None:
        slots = {slot.model: slot for slot in self._slots}
        for model in models:
            self._observe("model_evicted", model=model, reason=reason)
            going = Failure(Code.UNLOADED, reason, "ask again to load it", retryable=True)
            self._apply(slots[model], lifecycle.StopWanted(going, busy=False))
