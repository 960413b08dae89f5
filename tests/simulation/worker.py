"""A simulated worker process: speaks the real messages through the real codec, and fails as planned."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.options import Ability
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import EXIT_NEVER, EXIT_RETRY
from ai_pal.server.nodes.base import ExitStatus, ProcessUsage
from tests.simulation.pipe import Pipe
from tests.simulation.plans import Fault, Plan
from tests.simulation.work import result
from workers.engines.echo.text import Script

if TYPE_CHECKING:
    from tests.simulation.world import World

SIGTERM, SIGKILL, SIGSEGV = 15, 9, 11
BEAT = 1.0
THOUGHT = "hm "
ABILITIES: tuple[Ability, ...] = ("chat", "images", "tools", "embed", "rerank")
FREEZES = {Fault.FREEZE_START, Fault.FREEZE_LOAD, Fault.FREEZE_TOKEN}


class Generation(msgspec.Struct):
    """One answer under way in the engine."""

    key: int
    texts: list[str]
    prefill: int
    thoughts: int = 0
    calls: bool = False
    finish_reason: FinishReason = "stop"
    result: inner.FromWorker | None = None
    takes_slot: bool = True
    seq: int = 0
    cancelled: bool = False
    watch: bool = False
    probe: bool = False
    entropy: float = 0.0

    def piece(self, seq: int) -> str | None:
        """A thought, or text behind the thoughts; None behind the end."""
        return self.texts[seq] if seq < len(self.texts) else None

    def delta(self, text: str) -> inner.DeltaItem:
        raw = msgspec.Raw(msgspec.msgpack.encode(text))
        thinks = self.seq < self.thoughts
        index = 0 if thinks or not self.thoughts else 1
        if self.calls and not thinks:
            return inner.DeltaItem(self.key, self.seq, 1, raw, "tool_call", index, "c1", "look")
        return inner.DeltaItem(self.key, self.seq, 1, raw, "reasoning" if thinks else "text", index)


class SimWorker:
    """Implements `nodes.base.WorkerProcess`."""

    def __init__(
        self, world: "World", model: str, identity: str, plan: Plan, on_exit: Callable[[ExitStatus], None]
    ) -> None:
        self.world, self.model, self.identity, self.plan, self._on_exit = (
            world,
            model,
            identity,
            plan,
            on_exit,
        )
        self.name = model  # that of a replica has its number too
        self.pid = world.machine.next_pid()
        self.exited = self.frozen = self.hung = False
        self.garbled = False
        self.loaded = False
        self.active: dict[int, Generation] = {}
        self.to_supervisor = Pipe(world.time, world.dice, self._arrived)
        self.from_supervisor = Pipe(world.time, world.dice, self._received, limit=50)
        self._steps = self._made = self._prefilled = self._load_step = 0
        self._trickle = 0
        self._running = False
        self._later(plan.start / 2, lambda: self._go_wrong(Fault.CRASH_START, Fault.FREEZE_START))
        self._later(plan.start, self._hello)

    # -- the process ---------------------------------------------------------------------------

    def terminate(self) -> None:
        self.world.note(f"{self.identity} gets SIGTERM")
        self.world.checks.terminated(self)
        if not self.frozen:
            self.die(ExitStatus(signal=SIGTERM))

    def kill(self) -> None:
        self.world.note(f"{self.identity} gets SIGKILL")
        self.world.checks.killed(self)
        self.die(ExitStatus(signal=SIGKILL))

    def usage(self) -> ProcessUsage | None:
        if self.exited:
            return None
        cpu, size = self._load_step + self._trickle * 0.01, int(1e6 + 1e9 * self._grown)
        return ProcessUsage(cpu, size, self._trickle * 8, self.taken, self.taken)

    @property
    def taken(self) -> int:
        """Bytes of its own, which are free again when it has ended."""
        return 0 if self.exited else int(self.world.memory.sizes[self.model] * self._grown)

    @property
    def _grown(self) -> float:
        return self._load_step / self.plan.load_steps

    def owns(self, pid: int) -> bool:
        return pid == self.pid

    def stderr_tail(self) -> str:
        return "the last words"

    def die(self, status: ExitStatus) -> None:
        """The process ends now; the supervisor sees it a little later, perhaps before the last messages."""
        if self.exited:
            return
        self.exited = True
        self.world.note(f"{self.identity} dies {status}")
        self.from_supervisor.cut()
        self.to_supervisor.close()
        if self.world.dice.random() < 0.2:
            self.to_supervisor.cut()
        self.world.time.after(self.world.dice.random() * 0.05, lambda: self._on_exit(status))

    # -- the worker's loop ---------------------------------------------------------------------

    def _later(self, delay: float, call: Callable[[], None]) -> None:
        """As `clock.after`, for as long as the process lives and is not frozen."""

        def happen() -> None:
            if not (self.exited or self.frozen):
                call()

        self.world.time.after(delay, happen)

    def _send(self, *messages: inner.FromWorker) -> None:
        self.to_supervisor.send([inner.encode(message) for message in messages])

    def _hello(self) -> None:
        self._send(inner.WorkerHello(self.pid))
        self._later(BEAT, self._beat)

    def _beat(self) -> None:
        self._trickle += 1
        if self.loaded or not self.plan.silent_load:
            self._send(inner.Beat(self._steps, len(self.active)))
        self._later(BEAT, self._beat)

    def _arrived(self, frames: list[bytes]) -> None:
        self.world.from_worker(self.identity, frames, self.pid)

    def _received(self, frames: list[bytes]) -> None:
        if self.frozen:
            return
        match inner.decode_to_worker(frames[0]):
            case inner.LoadModel() if not self._load_step and not self.loaded:
                self._later(self.plan.load_step, self._load)
            case inner.Generate() as request:
                self.world.checks.attached(request, frames[1:])
                script = Script(request, request.options.extra["tokens"], 0)
                thoughts = request.options.extra["thoughts"]
                texts, reason = [THOUGHT] * thoughts + [*script.texts()], script.finish_reason
                calls = bool(request.options.tools) and len(texts) > thoughts
                reason = "tool_calls" if calls else reason
                generation = Generation(request.key, texts, self.plan.prefill_steps, thoughts, calls, reason)
                generation.watch, generation.probe = request.watch, request.probe is not None
                generation.entropy = self.world.doubts.entropy() if request.watch else 0.0
                self._begin(generation)
            case inner.EmbedTexts() | inner.RerankTexts() | inner.CountTokens() as work:
                takes_slot = not isinstance(work, inner.CountTokens)
                self._begin(Generation(work.key, [], 1, result=result(work), takes_slot=takes_slot))
            case inner.CancelGeneration(key) if key in self.active and self.plan.fault is not Fault.DEAF:
                self.active[key].cancelled = True

    # -- the engine ----------------------------------------------------------------------------

    def _load(self) -> None:
        fault, due = self.plan.fault, self._load_step >= self.plan.fault_at
        if due and fault in (Fault.REFUSE_NEVER, Fault.REFUSE_RETRY):
            return self._refuse(fault is Fault.REFUSE_RETRY)
        if due and fault is Fault.LOSE_LINK:
            return self._lose_link()
        if due and self._goes_wrong(Fault.CRASH_LOAD, Fault.FREEZE_LOAD, Fault.HANG_LOAD):
            return None
        self._load_step += 1
        if self._load_step < self.plan.load_steps:
            if not self.plan.silent_load:
                self._send(inner.LoadProgress(self._load_step / self.plan.load_steps))
            return self._later(self.plan.load_step, self._load)
        if self._goes_wrong(Fault.CRASH_LOAD, Fault.FREEZE_LOAD, Fault.HANG_LOAD):
            return None
        self.loaded = True
        self._send(inner.Ready(self.plan.slots, 4096, engine="echo", abilities=[*ABILITIES]))
        return self._later(0.1 + self.plan.fault_at, lambda: self._go_wrong(Fault.CRASH_READY))

    def _refuse(self, retryable: bool) -> None:
        failure = Failure(Code.MODEL_INVALID, "the file makes no sense", retryable=retryable)
        self._send(inner.LoadFailed(failure))
        self._later(0.01, lambda: self.die(ExitStatus(code=EXIT_RETRY if retryable else EXIT_NEVER)))

    def _lose_link(self) -> None:
        """As with a real worker: a lost connection is not taken up again, the process ends."""
        self.world.note(f"{self.identity} loses its connection")
        self.to_supervisor.cut()
        self.from_supervisor.cut()
        self._later(0.1, lambda: self.die(ExitStatus(code=0)))

    @property
    def occupied(self) -> int:
        """Slots that are taken."""
        return sum(generation.takes_slot for generation in self.active.values())

    def _begin(self, generation: Generation) -> None:
        self.world.checks.generating(self, generation.key, takes_slot=generation.takes_slot)
        self.active[generation.key] = generation
        if not self._running:
            self._running = True
            self._later(self.plan.pace, self._step)

    def _step(self) -> None:
        if self._goes_wrong_now():
            return
        self._steps += 1
        out: list[inner.FromWorker] = []
        deltas: list[inner.DeltaItem] = []
        for generation in list(self.active.values()):
            self._advance(generation, deltas, out)
        if deltas:
            told = sum(isinstance(message, inner.Watched | inner.Probed) for message in out)
            out.sort(key=lambda message: not isinstance(message, inner.Watched | inner.Probed))
            out.insert(told, inner.Deltas(deltas))
        if out:
            self._send(*out)
        self._running = bool(self.active)
        if self._running:
            self._later(self.plan.pace, self._step)

    def _advance(
        self, generation: Generation, deltas: list[inner.DeltaItem], out: list[inner.FromWorker]
    ) -> None:
        usage = Usage(completion_tokens=generation.seq)
        if generation.cancelled:
            del self.active[generation.key]
            out.append(inner.GenerationCancelled(generation.key, usage))
        elif generation.prefill:
            generation.prefill -= 1
            self._prefilled += 1
            out += self._readings(generation)
        elif generation.result is not None:
            del self.active[generation.key]
            out.append(generation.result)
        elif (text := generation.piece(generation.seq)) is not None:
            out += self._doubts(generation)
            deltas.append(generation.delta(text))
            generation.seq += 1
            self._made += 1
            out += self._readings(generation)
        else:
            del self.active[generation.key]
            reason, seq = generation.finish_reason, generation.seq
            doubt = self.world.doubts.doubt(seq, generation.entropy) if generation.watch else None
            out.append(inner.GenerationDone(generation.key, reason, usage, seq=seq, doubt=doubt))

    def _doubts(self, generation: Generation) -> list[inner.FromWorker]:
        """What it says of its next token, where that is asked for: of thoughts nothing."""
        if not generation.watch or generation.seq < generation.thoughts:
            return []
        probed = self.world.doubts.probed(generation.key) if generation.probe else []
        generation.probe = False
        return [*probed, inner.Watched(generation.key, [generation.entropy], [-generation.entropy])]

    def _readings(self, generation: Generation) -> list[inner.FromWorker]:
        """How far the prompt is read, said twice, and once more after the text: that is not passed on."""
        total = self.plan.prefill_steps
        if generation.result is not None:
            return []
        return [inner.Reading(generation.key, total - generation.prefill, total)] * 2

    # -- what goes wrong -----------------------------------------------------------------------

    def _goes_wrong_now(self) -> bool:
        fault, at = self.plan.fault, self.plan.fault_at
        if self._prefilled >= at and self._goes_wrong(Fault.CRASH_PREFILL):
            return True
        if self._made < at:
            return False
        if fault is Fault.LOSE_LINK:
            self._lose_link()
            return True
        if fault is Fault.GARBAGE:
            self.to_supervisor.send([self.world.dice.randbytes(12)])
        if fault is Fault.GAP:
            self._skip_a_token()
        return self._goes_wrong(Fault.CRASH_TOKEN, Fault.FREEZE_TOKEN, Fault.HANG_TOKEN)

    def _skip_a_token(self) -> None:
        for generation in self.active.values():
            if generation.piece(generation.seq + 1) is not None:
                generation.seq += 1

    def _go_wrong(self, *faults: Fault) -> None:
        self._goes_wrong(*faults)

    def _goes_wrong(self, *faults: Fault) -> bool:
        """Carry out the planned fault if it is one of these."""
        fault = self.plan.fault
        if fault not in faults:
            return False
        self.world.note(f"{self.identity} fault: {fault}")
        if fault.startswith("crash"):
            self.die(ExitStatus(signal=SIGSEGV))
        elif fault in FREEZES:
            self.frozen = True
            self.from_supervisor.pause()
            self.world.checks.hung(self)
        else:
            self.hung = True
            self.world.checks.hung(self)
        return True
