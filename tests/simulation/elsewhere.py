"""A simulated egress process with providers behind it: real messages through the real codec, drawn faults."""

import random
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message, PartKind
from ai_pal.protocol.usage import Usage
from ai_pal.server.backends.providers import ProvidersPolicy
from ai_pal.server.children.egress import EgressPolicy
from ai_pal.server.nodes.base import ExitStatus, ProcessUsage
from ai_pal.server.router.ports import RouterPolicy
from tests.simulation.hub import Fetching
from tests.simulation.pipe import Pipe
from tests.simulation.snapshots import PROVIDERS
from workers.engines.echo.text import pieces

if TYPE_CHECKING:
    from tests.simulation.world import World

SIGTERM, SIGKILL, SIGSEGV = 15, 9, 11
BEAT = 1.0
ROUTER = RouterPolicy(connect=1.0, queue=3.0, first_token=4.0, gap=2.0)
PATIENT = msgspec.structs.replace(ROUTER, first_token=8.0)
PROVIDERS_POLICY = ProvidersPolicy(limit=8, grace=2.0, start=6.0)
EGRESS = EgressPolicy(start=5.0, beat=4.0, stall=10.0, idle=5.0, term=1.0)


class Trouble(StrEnum):
    """What goes wrong with one completion; the last two are of the process itself."""

    NONE = "none"
    REFUSED = "refused"
    CONNECT = "connect"
    AUTH = "auth"
    RATE = "rate"
    ERROR = "error"
    ERROR_AFTER_200 = "error_after_200"
    STALL_BEFORE = "stall_before"
    STALL_INSIDE = "stall_inside"
    BROKEN_INSIDE = "broken_inside"
    EMPTY = "empty"
    GAP = "gap"
    GARBAGE = "garbage"
    DIE = "die"
    FREEZE = "freeze"


THOUGHT = "hm "
CODES = {
    Trouble.REFUSED: Code.PROVIDER_UNREACHABLE,
    Trouble.CONNECT: Code.CONNECT_TIMEOUT,
    Trouble.AUTH: Code.AUTH_FAILED,
    Trouble.RATE: Code.RATE_LIMITED,
    Trouble.ERROR: Code.PROVIDER_ERROR,
    Trouble.ERROR_AFTER_200: Code.PROVIDER_ERROR,
    Trouble.STALL_BEFORE: Code.FIRST_TOKEN_TIMEOUT,
    Trouble.STALL_INSIDE: Code.STREAM_STALLED,
    Trouble.BROKEN_INSIDE: Code.STREAM_BROKEN,
}
INSIDE = {
    Trouble.STALL_INSIDE,
    Trouble.BROKEN_INSIDE,
    Trouble.GAP,
    Trouble.GARBAGE,
    Trouble.DIE,
    Trouble.FREEZE,
}


class Completion(msgspec.Struct):
    """One answer under way. `at` is the piece before which the trouble comes."""

    request: out.Complete
    texts: list[str]
    thoughts: int
    trouble: Trouble
    at: int
    pace: float
    seq: int = 0


class SimEgress:
    """Implements `nodes.base.WorkerProcess`."""

    def __init__(self, world: "World", identity: str, on_exit: Callable[[ExitStatus], None]) -> None:
        self.world, self.identity, self._on_exit = world, identity, on_exit
        self.pid = world.machine.next_pid()
        self.exited = self.frozen = False
        self.open: dict[int, Completion] = {}
        self.fetches: dict[int, Fetching] = {}
        self.to_supervisor = Pipe(world.time, world.dice, self._arrived)
        self.from_supervisor = Pipe(world.time, world.dice, self._received, limit=50)
        self.later(world.dice.uniform(0.05, 0.5), self._hello)

    # -- the process ---------------------------------------------------------------------------

    def terminate(self) -> None:
        if not self.frozen:
            self.die(ExitStatus(signal=SIGTERM))

    def kill(self) -> None:
        self.die(ExitStatus(signal=SIGKILL))

    def usage(self) -> ProcessUsage | None:
        return None

    def owns(self, pid: int) -> bool:
        return pid == self.pid

    def stderr_tail(self) -> str:
        return "the last words"

    def die(self, status: ExitStatus) -> None:
        if self.exited:
            return
        self.exited = True
        self.open.clear()
        self.fetches.clear()
        self.world.note(f"{self.identity} dies {status}")
        self.from_supervisor.cut()
        self.to_supervisor.close()
        self.world.time.after(self.world.dice.random() * 0.05, lambda: self._on_exit(status))

    def freeze(self) -> None:
        """It does nothing more, and reads nothing."""
        self.frozen = True
        self.from_supervisor.pause()

    def later(self, delay: float, call: Callable[[], None]) -> None:
        def happen() -> None:
            if not (self.exited or self.frozen):
                call()

        self.world.time.after(delay, happen)

    def send(self, message: out.FromEgress) -> None:
        self.to_supervisor.send([out.encode(message)])

    def _hello(self) -> None:
        self.send(out.EgressHello(self.pid))
        self.later(BEAT, self._beat)

    def _beat(self) -> None:
        self.send(out.EgressBeat())
        self.later(BEAT, self._beat)

    def _arrived(self, frames: list[bytes]) -> None:
        self.world.from_worker(self.identity, frames, self.pid)

    # -- completions ---------------------------------------------------------------------------

    def _received(self, frames: list[bytes]) -> None:
        if self.frozen:
            return
        match out.decode_to_egress(frames[0]):
            case out.Complete() as request:
                self.world.checks.attached(request, frames[1:])
                self._begin(request)
            case out.CancelCompletion(key):
                self.open.pop(key, None)
            case out.Fetch(key) as fetch:
                self.world.fetching.fetched(self, key)
                self.fetches[key] = Fetching(self, fetch)
            case out.CancelFetch(key):
                self.fetches.pop(key, None)

    def _begin(self, request: out.Complete) -> None:
        dice, temper = self.world.dice, self.world.providers[request.provider.name]
        trouble = dice.choice(temper.troubles) if dice.random() < temper.risk else Trouble.NONE
        self.world.note(self.identity, "asked", request, trouble)
        thoughts = request.options.extra["thoughts"]
        texts = [THOUGHT] * thoughts + answer_of(request.messages, request.options.extra["tokens"])
        at = dice.randint(0, 4)
        pace = dice.choice((0.003, 0.03, 0.2))
        completion = self.open[request.key] = Completion(request, texts, thoughts, trouble, at, pace)
        if trouble is Trouble.CONNECT:
            self._fail_later(completion, request.connect)
        elif trouble in (Trouble.REFUSED, Trouble.AUTH, Trouble.RATE, Trouble.ERROR):
            self._fail_later(completion, dice.uniform(0, 0.1))
        else:
            self.later(dice.uniform(0.001, 0.3), lambda: self._connected(completion))

    def _connected(self, completion: Completion) -> None:
        request = completion.request
        if request.key not in self.open:
            return
        self.send(out.CompletionConnected(request.key))
        self.send(out.CompletionSent(request.key))
        match completion.trouble:
            case Trouble.ERROR_AFTER_200:
                self._fail_later(completion, self.world.dice.uniform(0, 0.5))
            case Trouble.STALL_BEFORE:
                self._fail_later(completion, request.first_token)
            case Trouble.EMPTY:
                self.open.pop(request.key)
                self.send(out.CompletionDone(request.key, 0))
            case _:
                waits = self.world.dice.uniform(0.01, 2.0) + self.world.doubts.lateness()
                self.later(waits, lambda: self._piece(completion))

    def _piece(self, completion: Completion) -> None:
        key = completion.request.key
        if key not in self.open:
            return
        calls = bool(completion.request.options.tools) and len(completion.texts) > completion.thoughts
        if completion.seq >= len(completion.texts):
            del self.open[key]
            usage = Usage(len(completion.request.messages), 0, completion.seq)
            self.send(out.CompletionDone(key, completion.seq, "tool_calls" if calls else "stop", usage))
            return
        if completion.trouble in INSIDE and completion.seq >= completion.at and self._goes_wrong(completion):
            return
        thinks = completion.seq < completion.thoughts
        kind: PartKind = "reasoning" if thinks else "tool_call" if calls else "text"
        index = 0 if thinks or not completion.thoughts else 1
        text = completion.texts[completion.seq]
        call = ("c1", "look") if kind == "tool_call" else ("", "")
        self.send(out.CompletionDelta(key, completion.seq, 1, text, kind, index, *call))
        completion.seq += 1
        self.later(completion.pace, lambda: self._piece(completion))

    def _goes_wrong(self, completion: Completion) -> bool:
        """Whether the stream ends here."""
        match completion.trouble:
            case Trouble.STALL_INSIDE:
                self._fail_later(completion, completion.request.gap)
            case Trouble.BROKEN_INSIDE:
                self._fail_later(completion, 0.0)
            case Trouble.GAP:
                completion.seq += 1
                completion.trouble = Trouble.NONE
                return completion.seq >= len(completion.texts)
            case Trouble.GARBAGE:
                self.to_supervisor.send([self.world.dice.randbytes(12)])
                return False
            case Trouble.DIE:
                self.die(ExitStatus(signal=SIGSEGV))
            case Trouble.FREEZE:
                self.freeze()
        return True

    def _fail_later(self, completion: Completion, seconds: float) -> None:
        code, key = CODES[completion.trouble], completion.request.key
        retry_after = 5.0 if code == Code.RATE_LIMITED else None
        failure = Failure(code, f"{completion.trouble}", retryable=True, retry_after=retry_after)

        def fail() -> None:
            if self.open.pop(key, None) is not None:
                self.send(out.CompletionFailed(key, failure))

        self.later(seconds, fail)


class ProviderTemper(msgspec.Struct, frozen=True):
    """How often a provider goes wrong, and in which ways."""

    risk: float
    troubles: tuple[Trouble, ...] = tuple(Trouble)[1:]


def provider_tempers(dice: random.Random) -> dict[str, ProviderTemper]:
    """Each provider of this history."""
    down = ProviderTemper(1.0, (Trouble.REFUSED,))
    return {
        name: dice.choice((ProviderTemper(0.0), ProviderTemper(0.3), ProviderTemper(0.8), down))
        for name in PROVIDERS
    }


def answer_of(messages: list[Message], tokens: int) -> list[str]:
    """The pieces of the one right answer, without those that the assistant has said already."""
    words = pieces(messages)
    said = len(messages[-1].text.split()) if messages[-1].role == "assistant" else 0
    return [words[index % len(words)] for index in range(said, tokens)]
