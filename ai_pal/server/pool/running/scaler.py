"""The scaler: carries out for the pool what `replicas` decides. Part of the supervisor's reactor, synchronous
like everything there. A model with one worker comes and goes without it."""

from collections.abc import Callable
from typing import Protocol

from ai_pal.errors import Code, Failure
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.group import THERE, Group
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.members.replicas import Call, End, Facts, is_needed, next_look, scale
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.ports import Clock, Observe

COMES_BACK = frozenset({Phase.WAITING, Phase.BACKING_OFF, Phase.DRAINING, Phase.STOPPING, Phase.KILLING})
"""A replica in one of these is there again by itself while somebody waits and no other one is there."""

TRIED = frozenset({Code.MODEL_FAILED, Code.MODEL_INVALID})
"""What is said of a replica that was started, and given up because it does not load."""

IDLE = Failure(Code.UNLOADED, "it was idle, and other replicas answer for its model", retryable=True)


class Workers(Protocol):
    """The pool, as it is seen from here."""

    policy: PoolPolicy
    closing: bool

    def add(self, worker: ModelWorker) -> None: ...


class Scaler:
    """`apply` is the pool's."""

    def __init__(
        self,
        workers: Workers,
        *,
        clock: Clock,
        observe: Observe,
        apply: Callable[[ModelWorker, lifecycle.AnyEvent], None],
    ) -> None:
        self._workers, self._clock, self._observe, self._apply = workers, clock, observe, apply
        self._touched: dict[Group[ModelWorker], None] = {}
        self._look_at: dict[Group[ModelWorker], float] = {}

    def demand(self, first: ModelWorker, *, fresh: bool = False) -> None:
        """Somebody waits for this model. `fresh` forgets earlier crashes."""
        group = first.group
        if not group.replicated:
            self._apply(first, lifecycle.Demand(fresh))
            return
        if not any(one.state.phase in THERE for one in group.members):
            group.held_until, group.held_because = 0.0, ""
            if fresh or not any(one.state.phase in COMES_BACK for one in group.members):
                self._apply(first, lifecycle.Demand(fresh))
        self.scale(group)

    def touch(self, group: Group[ModelWorker]) -> None:
        """Something has changed there: it is due with the next tick."""
        if group.replicated:
            self._touched[group] = None

    def due(self, now: float) -> list[Group[ModelWorker]]:
        """The models with replicas that have to be looked at."""
        due = [group for group, when in self._look_at.items() if when <= now]
        found, self._touched = dict.fromkeys([*self._touched, *due]), {}
        return list(found)

    @property
    def next(self) -> float | None:
        """When one of them is due only because time has passed."""
        return min(self._look_at.values(), default=None)

    def scale(self, group: Group[ModelWorker]) -> None:
        """Call replicas and end idle ones, as many as are to be changed now."""
        self._look_at.pop(group, None)
        if not group.replicated or not group.members:
            return
        pace, now = self._workers.policy.replicas, self._clock.now()
        while not self._workers.closing:
            standings, facts = group.standings(), _facts(group)
            match scale(standings, group.bounds, pace, facts, now):
                case Call(number):
                    self._call(group, number)
                case End(number):
                    self._apply(self._replica(group, number), lifecycle.StopWanted(IDLE, busy=False))
                case _:
                    look = next_look(standings, group.bounds, pace, facts, now)
                    times = [when for when in (look, group.goes_at) if when is not None]
                    if times:
                        self._look_at[group] = min(times)
                        self._clock.wake_at(self._look_at[group])
                    return

    def hold(self, group: Group[ModelWorker]) -> None:
        """For a while no other one is called."""
        group.held_until = self._clock.now() + self._workers.policy.replicas.hold

    def is_needed(self, worker: ModelWorker, *, again: bool = True) -> bool:
        """Whether a worker that has ended is to come back, or one that waits is to wait on. Not `again`: it
        was told to end, and while others are there it is called where it is needed."""
        if self._workers.closing:
            return False
        group = worker.group
        if not group.others_there(worker):
            return worker.wanted
        others = group.standings(but=worker)
        return again and is_needed(worker.number, others, group.bounds, waiting=bool(group.queue))

    def exited(self, worker: ModelWorker, *, planned: bool) -> None:
        """Its process has ended, and all that is to be done about that alone is done."""
        group = worker.group
        if not group.replicated:
            return
        if group.prefixes is not None:
            group.prefixes.forget(worker.number)
        if not planned:
            self.hold(group)  # it comes back by itself if it is needed
        self.scale(group)

    def spares(self, worker: ModelWorker, failure: Failure) -> bool:
        """Whether others answer for the model of one that will not come: then nobody fails who waits.
        Others that only come are waited for once: else those of a model that never loads would be tried in
        turn for ever. One that no place was found for was not tried."""
        group = worker.group
        tried = failure.code in TRIED
        if not group.others_there(worker) or (tried and group.given_up and not group.ready):
            group.given_up = False
            return False
        group.given_up |= tried and not group.ready
        self.hold(group)
        group.held_because = f"no other replica for now: {failure.message}"
        self._observe("replica_given_up", model=worker.name, code=failure.code, reason=failure.message)
        return True

    def _call(self, group: Group[ModelWorker], number: int) -> None:
        """Start a replica beside others, if nobody has to give up memory for it."""
        worker = self._replica(group, number)
        self._apply(worker, lifecycle.Demand())
        if worker.state.phase in THERE:
            group.held_because = ""
            self._observe("replica_called", model=worker.name, queued=len(group.queue))
        else:
            self.hold(group)

    def _replica(self, group: Group[ModelWorker], number: int) -> ModelWorker:
        found = next((one for one in group.members if one.number == number), None)
        if found is None:
            found = ModelWorker(group, number)
            self._workers.add(found)
        return found


def _facts(group: Group[ModelWorker]) -> Facts:
    keep_alive = group.keep_alive if group.keep_alive >= 0 and not group.resolved.pinned else None
    return Facts(group.waiting_since, group.changed_at, group.held_until, keep_alive)
