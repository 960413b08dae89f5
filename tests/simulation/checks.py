"""What must be true in every history, checked while it happens and once more at its end."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from ai_pal.errors import Code
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol import worker as inner
from ai_pal.protocol.frames import frames_behind
from ai_pal.server.clock.timekeeper import HELD_UP, LOOK
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.replicas import Standing
from ai_pal.server.pool.running.scaler import IDLE
from tests.simulation.doubts import is_doubtable
from tests.simulation.memory_oracle import check_refusal
from tests.simulation.plans import MOST_REPLICAS, POLICY, Fault
from tests.simulation.work import Sums, is_right, picture
from workers.engines.echo.text import reference

if TYPE_CHECKING:
    from tests.simulation.client import Ask, SimClient
    from tests.simulation.worker import SimWorker
    from tests.simulation.world import World

DISPATCHES = 2
MOST_SLOTS = 4
SLACK = 3.0
"""Seconds that delays and full connections on the way may add up to."""
ALARMS_PER_SECOND = 400
ENDS: dict[type, type[wire.Event]] = {
    wire.Load: wire.Loaded, wire.Unload: wire.Unloaded, wire.Status: wire.StatusReply, wire.Pull: wire.Pulled,
    wire.Embed: wire.Embedded, wire.Rerank: wire.Reranked, wire.CountTokens: wire.Counted,
}  # fmt: skip
RULE_BREAKERS = {
    Fault.DEAF, Fault.GARBAGE, Fault.GAP, Fault.HANG_LOAD, Fault.HANG_TOKEN, Fault.FREEZE_START,
    Fault.FREEZE_LOAD, Fault.FREEZE_TOKEN,
}  # fmt: skip


class ViolationError(AssertionError):
    """A promise was broken."""


class Checks:
    """`happened` counts what the histories contain, to see that they are worth something."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.happened: Counter[str] = Counter()
        self.dispatches: Counter[int] = Counter()
        self.cancelled_keys: set[int] = set()
        self._streak: Counter[str] = Counter()
        self._last_death: dict[str, float] = defaultdict(float)
        self._failed_until: dict[str, float] = {}
        self._launched_at: dict[str, float] = defaultdict(float)
        self._keep_alive: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self._alarms: Counter[int] = Counter()

    @property
    def _most_slots(self) -> int:
        """What may be pushed back into a queue that is full, when workers have died."""
        return MOST_SLOTS * (MOST_REPLICAS if self.world.replicated else 1)

    def expect(self, holds: bool, claim: str) -> None:
        if not holds:
            raise ViolationError(f"at {self.world.time.now():.3f} s: {claim}")

    def after(self, limit: float, check: Callable[[], None]) -> None:
        """Check in so many seconds; where the machine stood still meanwhile, the limit begins anew."""
        time = self.world.time
        jumps = time.jumps
        time.after(limit, lambda: check() if time.jumps == jumps else self.after(limit, check))

    # -- requests ------------------------------------------------------------------------------

    def heard(self, client: "SimClient", ask: "Ask", event: wire.AnyEvent) -> None:
        """One event of an open request, as it arrives at its client."""
        who = f"{client.name}: {event}"
        request, expect = ask.request, self.expect
        if isinstance(event, wire.Loading):
            self._progress(ask, event, who)
        elif isinstance(event, wire.Pulling):
            expect(not ask.accepted and ask.pulled <= event.done <= event.total, f"{who} after {ask.pulled}")
            ask.pulled = event.done
        elif isinstance(request, wire.Chat):
            self._chat_event(ask, request, event, who)
        elif isinstance(request, Sums):
            self._sum_event(ask, request, event, who)
        else:
            expect(isinstance(event, wire.Failed | wire.Cancelled | ENDS[type(request)]), who)
            ask.ended = event
        if ask.ended is not None:
            self.happened[type(event).__name__] += 1

    def _sum_event(self, ask: "Ask", request: Sums, event: wire.AnyEvent, who: str) -> None:
        match event:
            case wire.Accepted():
                self.expect(not ask.accepted, f"{who} twice")
                ask.accepted = True
            case wire.Queued() | wire.Notice():
                self.expect(ask.accepted, f"{who} before it is accepted")
                ask.progress = -1.0
            case wire.Cancelled():
                self.expect(ask.cancelled, f"{who}, but nobody asked for it")
                ask.ended = event
            case wire.Failed():
                ask.ended = event
            case _:
                self.expect(ask.accepted and is_right(request, event), f"{who}: asked was {request}")
                ask.ended = event
        deadline = getattr(request, "deadline", None)
        if ask.ended is not None and deadline is not None and not ask.late:
            took = self.world.time.now() - ask.sent_at
            self.expect(took <= deadline + SLACK, f"{who}: {took:.2f} s, over the deadline")

    def attached(self, request: inner.Generate | out.Complete, blobs: list[bytes]) -> None:
        """What comes to whoever answers has all its pictures, and nobody else's."""
        ask, wanted = request.options.extra["ask"], frames_behind(request.messages)
        self.expect(blobs == [picture(ask, number) for number in range(1, wanted + 1)], f"{request}: {blobs}")
        self.happened["attached"] += bool(blobs)

    def _progress(self, ask: "Ask", event: wire.Loading, who: str) -> None:
        self.expect(0.0 <= event.progress <= 1.0, f"{who}: out of range")
        new_load = isinstance(ask.request, wire.Load) and self._launched_at[event.model] > ask.sent_at
        anew = new_load or bool(event.reason)
        self.expect(event.progress >= ask.progress or anew, f"{who} after {ask.progress}")
        ask.progress = event.progress

    def _chat_event(self, ask: "Ask", chat: wire.Chat, event: wire.AnyEvent, who: str) -> None:
        expect = self.expect
        match event:
            case wire.Accepted():
                expect(not ask.accepted, f"{who} twice")
                ask.accepted = True
            case wire.Queued(_, position):
                ask.progress = -1.0  # another one may load from here on
                expect(1 <= position <= 2 * POLICY.queue_size + self._most_slots, who)
            case wire.Reading(_, model, done, total):
                expect(ask.read.get(model, (-1, 0))[0] < done <= total, f"{who} after {ask.read}")
                expect(not ask.text, f"{who} after content")
                ask.read[model] = done, total
                self.happened["reading"] += 1
            case wire.Started():
                done, total = ask.read.get(event.model, (0, 0))
                expect(done == total, f"{who}, but only {done} of {total} tokens are read")
                expect(ask.accepted, who)
                expect(bool(ask.text) == bool(ask.seams), f"{who}: somebody else had the word")
                ask.starts += 1
                ask.begins = ask.parts
                self.happened["began anew after thoughts"] += bool(ask.next_seq and not ask.text)
            case wire.Delta():
                expect(event.seq == ask.next_seq, f"{who}: a gap, {ask.next_seq} was next")
                expect(ask.starts > ask.seams, f"{who}: nobody has begun")
                ask.next_seq += event.n
                self._part(ask, chat, event, who)
            case wire.Notice(_, "seam"):
                expect(bool(ask.text), f"{who} before content")
                expect(not chat.options.tools, f"{who}: nobody goes on with a call")
                ask.seams += 1
                ask.crossed = is_doubtable(chat)
            case wire.Notice(_, "unsure"):
                ask.unsure += 1
                self.happened["unsure"] += 1
                expect(ask.unsure == 1, f"{who} again")
            case wire.Notice():
                expect(not ask.text, f"{who} after content")
                ask.progress = -1.0
                ask.read.clear()
                self.happened[event.kind] += 1
            case _:
                self._chat_end(ask, chat, event, who)

    def _part(self, ask: "Ask", chat: wire.Chat, event: wire.Delta, who: str) -> None:
        """All text is one part; each attempt's thoughts are another, and places are never used twice."""
        expect = self.expect
        if event.kind == "reasoning":
            expect(event.index not in ask.texts, f"{who}: where text is")
            expect(event.index >= ask.begins, f"{who}: where another's part is")
            self.happened["thought"] += 1
        else:
            called = (event.kind, event.call, event.name)
            wanted = ("tool_call", "c1", "look") if chat.options.tools else ("text", "", "")
            expect(called == wanted, f"{who}: not as {wanted}")
            self.happened["called"] += event.kind == "tool_call"
            if event.index not in ask.texts:
                expect(event.index >= ask.begins, f"{who}: where another's part is")
                expect(ask.crossed or not ask.texts, f"{who}: text was at {[*ask.texts]}")
                self.happened["second answer"] += bool(ask.texts)
                ask.crossed = False
            ask.text = ask.texts[event.index] = ask.texts.get(event.index, "") + event.text
            expect(self._whole(chat).startswith(ask.text), f"{who}: not what the model said")
        ask.parts = max(ask.parts, event.index + 1)

    def _chat_end(self, ask: "Ask", chat: wire.Chat, event: wire.AnyEvent, who: str) -> None:
        expect = self.expect
        match event:
            case wire.Done():
                expect(ask.text == self._whole(chat), f"{who}: only {ask.text!r}")
                self.happened["doubted"] += event.doubt is not None
                expect(ask.starts > ask.seams, f"{who}: nobody gave it")
                calls = bool(chat.options.tools and ask.text)
                expect((event.finish_reason == "tool_calls") == calls, f"{who}: it {'calls' * calls}")
            case wire.Failed(_, reasons):
                expect(not ask.text, f"{who} after content")
                expect(bool(reasons), f"{who}: no reason")
                for reason in reasons:
                    self.happened[reason.code] += 1
                    expect(reason.code != Code.OVERLOADED or reason.retry_after is not None, who)
            case wire.Interrupted():
                expect(bool(ask.text), f"{who} without content")
            case wire.Cancelled():
                expect(ask.cancelled, f"{who}, but nobody asked for it")
            case _:
                expect(False, f"{who}: no event of a chat")
        ask.ended = event
        if chat.deadline is not None and not ask.late:
            took = self.world.time.now() - ask.sent_at
            expect(took <= max(0.0, chat.deadline) + SLACK, f"{who}: {took:.2f} s, over the deadline")

    @staticmethod
    def _whole(chat: wire.Chat) -> str:
        return "".join(reference(chat.messages, chat.options.extra["tokens"]))

    def emitted(self, client: bytes, event: wire.Event) -> None:
        """What the supervisor says, at the moment when it says it."""
        check_refusal(event)
        if isinstance(event, wire.Loaded):
            model_worker = self.world.daemon.supervisor.pool.serving(event.model)
            self.expect(
                model_worker is not None and model_worker.state.phase is Phase.READY,
                f"{event}, but it is not",
            )

    # -- workers -------------------------------------------------------------------------------

    def launching(self, model: str, name: str) -> None:
        """A process starts for a model, under the `name` of one of its replicas."""
        now, worker, living = self.world.time.now(), POLICY.worker, self.world.machine.living(model)
        self.happened["launch"] += 1
        self.expect(name not in [one.name for one in living], f"a second process for {name}")
        most = self.world.tempers[model].most_replicas if model in self.world.tempers else 1
        self.expect(len(living) < most, f"{name} is one more than the {most} that may be")
        self.happened["several"] += len(living) > 0
        self.expect(now >= self._failed_until.get(name, 0.0), f"{name} is started though it has failed")
        if now - self._last_death[name] >= worker.crash_window:
            self._streak[name] = 0
        self._streak[name] += 1
        self.expect(self._streak[name] <= worker.max_crashes, f"{name} is in a crash loop")
        self._launched_at[model] = now

    def reset_crashes(self, name: str) -> None:
        """This worker became ready, was stopped on purpose, or somebody explicitly asks for its model."""
        self._streak[name] = 0
        self._failed_until.pop(name, None)

    def load_wanted(self, model: str) -> None:
        """Somebody asks for a model, with all its replicas."""
        for name in {model, *self._streak}:
            if name.partition("#")[0] == model:
                self.reset_crashes(name)

    def replicas(self) -> None:
        """After each tick: of a model that is up there are as many as there have to be, or no other one could
        come just now."""
        supervisor = self.world.daemon.supervisor
        for first in [] if supervisor.pool.closing else supervisor.pool:
            group = first.group
            if first.number > 1 or not group.replicated:
                continue
            standings = group.standings()
            there = sum(one.is_there for one in standings)
            absent = any(one.standing is Standing.ABSENT for one in standings)
            held = self.world.clock.now() < group.held_until
            enough = there >= group.bounds.least or not there or held or not absent
            self.expect(enough, f"{there} of {group.bounds.least} replicas of {first.name} are there")
            busy = {key for one in group.members for key in one.active}
            running = sum(len(one.active) for one in group.members)
            self.expect(len(busy) == running, f"a request runs on two replicas of {first.name}")

    def unloading(self, model: str) -> None:
        """A failed model that is unloaded may be tried again."""
        for name in list(self._failed_until):
            if model in ("", name.partition("#")[0]):
                self._failed_until.pop(name, None)

    def died(self, model: str) -> None:
        self._last_death[model] = self.world.time.now()

    def gave_up(self, model: str, code: str) -> None:
        self.happened[f"gave up: {code}"] += 1
        self._streak[model] = 0
        if code == Code.MODEL_FAILED and model not in self._failed_until:
            self._failed_until[model] = self.world.time.now() + POLICY.worker.failed_cooldown

    def generating(self, worker: "SimWorker", key: int, *, takes_slot: bool) -> None:
        self.expect(worker.loaded, f"{worker.identity} is asked before it is ready")
        elsewhere = [
            other.identity
            for other in self.world.machine.workers.values()
            if other is not worker and not other.exited and key in other.active
        ]
        self.expect(not elsewhere, f"{key} is computed by {worker.identity}, and by {elsewhere}")
        free = worker.occupied < worker.plan.slots
        self.expect(free or not takes_slot, f"{worker.identity} has no slot for {key}")

    def dispatched(self, key: int) -> None:
        self.dispatches[key] += 1
        self.expect(self.dispatches[key] <= DISPATCHES, f"request {key} is dispatched once more")

    def terminated(self, worker: "SimWorker") -> None:
        model_worker = self.world.daemon.supervisor.pool.of_worker(worker.identity)
        self.reset_crashes(worker.name)
        reason = model_worker.state.reason if model_worker is not None else None
        if model_worker is not None and reason == IDLE:
            self.happened["scaled down"] += 1
            self.expect(not model_worker.active, f"{worker.identity} is scaled down while busy")
            there = sum(one.is_there for one in model_worker.group.standings())
            self.expect(there >= model_worker.group.bounds.least, f"{worker.identity} is one too few")
        if model_worker is not None and reason is not None and reason.message.startswith("idle for"):
            self.happened["reaped"] += 1
            self.expect(
                not model_worker.active and not model_worker.wanted, f"{worker.identity} is reaped while busy"
            )
            group = model_worker.group
            since = group.idle_since if group.replicated else model_worker.idle_since
            now, due = self.world.clock.now(), since + model_worker.keep_alive
            early, late = due - now, now - max(due, self._keep_alive[worker.model][1])
            self.expect(early <= 0.001, f"{worker.identity} is reaped {early:.2f} s early")
            jumped = self.world.time.now() - self.world.time.jumped_at <= LOOK
            limit = 0.1 + (LOOK + HELD_UP if jumped else 0.0)
            waited = group.replicated  # for one that was coming
            self.expect(late <= limit or waited, f"{worker.identity} is reaped {late:.2f} s late")

    def killed(self, worker: "SimWorker") -> None:
        """Only a worker that broke a rule, or one that was told to go, may be killed."""
        model_worker = self.world.daemon.supervisor.pool.of_worker(worker.identity)
        if model_worker is not None:
            broke_a_rule = worker.garbled or worker.plan.fault in RULE_BREAKERS
            fair = worker.exited or broke_a_rule or model_worker.state.planned
            self.expect(fair, f"{worker.identity} did nothing wrong, but {model_worker.state.reason}")

    def hung(self, worker: "SimWorker") -> None:
        """Within its budget a hung worker is replaced, even if it was to be stopped in the meantime."""
        budget, fault = POLICY.worker, worker.plan.fault
        limits = {
            Fault.FREEZE_START: budget.start_timeout,
            Fault.FREEZE_LOAD: budget.load_stall,
            Fault.HANG_LOAD: budget.load_stall,
            Fault.FREEZE_TOKEN: 2 * budget.beat_timeout,
            Fault.HANG_TOKEN: budget.engine_stall + budget.drain_timeout,
        }
        limit = limits[fault] + max(budget.save_timeout, budget.terminate_timeout) + SLACK
        self.happened["hung"] += 1

        def replaced() -> None:
            self.expect(
                worker.exited or self.world.stopped, f"{worker.identity} hangs for {limit} s unnoticed"
            )

        self.after(limit, replaced)

    def client_left(self, client: bytes) -> None:
        """What a client that left had running is told to stop."""
        for model_worker in self.world.daemon.supervisor.pool:
            for request in model_worker.active.values():
                told = request.key in self.cancelled_keys or model_worker.state.phase is Phase.KILLING
                pending = self.world.machine.unreachable(model_worker.identity)
                self.expect(
                    request.job.owner != client or told or pending, f"{request.key} goes on computing"
                )

    # -- always, and at the end ----------------------------------------------------------------

    def alarm(self) -> None:
        second = int(self.world.time.now())
        self._alarms[second] += 1
        self.expect(self._alarms[second] <= ALARMS_PER_SECOND, "a storm of timers")
        self.bounds()

    def bounds(self) -> None:
        for model_worker in self.world.daemon.supervisor.pool:
            queued, loaders = len(model_worker.queue), len(model_worker.loaders)
            if queued > 2 * POLICY.queue_size + self._most_slots or loaders > POLICY.queue_size * 4:
                self.expect(False, f"{queued} requests and {loaders} loads wait for {model_worker.model}")
            if self._keep_alive[model_worker.model][0] != model_worker.keep_alive:
                self._keep_alive[model_worker.model] = (model_worker.keep_alive, self.world.clock.now())

    def finally_quiet(self) -> None:
        """Long after the last deed of a client nothing is left."""
        world = self.world
        if not world.stopped:
            world.routing.finally_quiet()
        for client in world.clients.values():
            for ask in [] if client.gone else client.open():
                # What a stopped supervisor cannot deliver: to one that does not read, or asked too late.
                unread = ask.late or client.down.full_until >= world.stopped_at
                too_late = not ask.accepted and ask.sent_at > world.stopped_at - SLACK
                lost = world.stopped and (unread or too_late)
                self.expect(lost, f"{client.name}: never ended: {ask.request}")
        if world.stopped:
            return
        self.expect(not len(world.daemon.supervisor.requests), "a request is still open")
        self.expect(not world.daemon.endpoint.open_requests, "an id is still open")
        world.fetching.finally_quiet()
        for model_worker in world.daemon.supervisor.pool:
            self.expect(
                not model_worker.active and not model_worker.wanted,
                f"{model_worker.model} still has something to do",
            )
            kept = model_worker.process is None or (
                model_worker.state.phase is Phase.READY and model_worker.keep_alive < 0
            )
            self.expect(kept, f"{model_worker.identity} is still there: {model_worker.state.phase}")
        for worker in world.machine.workers.values():
            self.expect(not worker.active or worker.exited, f"{worker.identity} is still computing")
        end = int(world.time.now())
        quiet = sum(self._alarms[second] for second in range(end - 50, end))
        self.expect(quiet <= 400, f"{quiet} alarms in the last 50 s")
