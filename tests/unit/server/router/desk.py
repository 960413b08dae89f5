"""A router between scripted parties: what it asks is written down, what they answer is said by the test."""

from collections.abc import Sequence

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem, LoadModel
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.providers.server import Server
from ai_pal.server.backends.providers import Providers, ProvidersPolicy
from ai_pal.server.jobs import Answered, Handle, Job, Sink
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.server.router.ports import DoubtMemory, RouterPolicy
from ai_pal.server.router.router import Router
from ai_pal.store.ledger import Attempt, Spent
from tests.simulation.clock import VirtualClock

ANN = b"ann"
HI = [Message("user", "hi")]
OLLAMA = Server(provider=Provider("ollama", "ollama"), mid="phi")
OPENAI = Server(provider=Provider("openai", "openai"), mid="gpt-3.5-turbo", strong="gpt-4")
ANTHROPIC = Server(provider=Provider("anthropic", "anthropic"), mid="claude-3-haiku")
POLICY = RouterPolicy(queue=3.0, first_token=4.0)
NOTHING = Usage()
PHI = Resolved(LoadModel("phi-2", "llamacpp"), file="/models/phi-2.gguf")


class Asked(msgspec.Struct, frozen=True):
    """A job that went to this machine."""

    id: int
    job: Job
    sink: Sink


class Desk:
    """Implements most ports of the router. `here` are the jobs that went to this machine, `away` the
    completions; `refuse` is what the next completion is refused with."""

    def __init__(
        self,
        *clouds: Server,
        score: float = 0.1,
        policy: RouterPolicy = POLICY,
        doubts: DoubtMemory | None = None,
    ) -> None:
        self.clock, self.score, self.clouds = VirtualClock(), score, clouds
        self.heard: list[wire.Event] = []
        self.here: list[Asked] = []
        self.away: list[out.Complete] = []
        self.stopped: list[int] = []
        self.ledger: list[Attempt] = []
        self.log: list[str] = []
        self.seen: list[str] = []
        self.refuse: Failure | None = None
        self.dispatched: float | None = None
        self.larger_ones: list[Here] = []
        self.costs: Spent | AiPalError = Spent()
        self.own_costs: dict[str, float] = {}
        self.providers = Providers(
            egress=Egress(self),  # type: ignore[arg-type]
            clock=self.clock,
            observe=lambda event, **fields: None,
            policy=ProvidersPolicy(grace=1e9),
        )
        self.router = Router(
            clients=self,
            local=ThisMachine(self),
            providers=self.providers,
            snapshots=self,
            ledger=self,
            judge=lambda messages: Scored(self.score, []),
            clock=self.clock,
            observe=lambda event, **fields: self.log.append(event),
            policy=policy,
            doubts=doubts,
        )
        self.clock.alarm = self.router.tick

    # -- Clients, Snapshots, Ledger ------------------------------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        self.heard.append(event)

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        if reference.startswith("openai:"):
            return Snapshot(clouds=(Server(provider=OPENAI.provider, mid=reference.partition(":")[2]),))
        here = Here(model=reference or "phi-2", loaded=True, resolved=PHI)
        return Snapshot(here=here, ollama=OLLAMA, clouds=() if reference else self.clouds)

    def seeing(self) -> list[Here]:
        return []

    def larger(self) -> list[Here]:
        return self.larger_ones

    def met(self, provider: str) -> None:
        self.seen.append(provider)

    def prices(self) -> PriceTable:
        return price_table()

    def spent(self) -> Spent:
        if isinstance(self.costs, AiPalError):
            raise self.costs
        return self.costs

    def spent_by(self, principal: str) -> float:
        return self.own_costs.get(principal, 0.0)

    def record(self, attempt: Attempt) -> bool:
        self.ledger.append(attempt)
        return True

    # -- what the test says --------------------------------------------------------------------

    def ask(self, **how: object) -> None:
        self.router.chat(ANN, wire.Chat(**{"id": 1, "messages": HI, **how}))  # type: ignore[arg-type]

    def here_says(self, event: wire.Event) -> None:
        """What becomes of the latest job on this machine, as a client would hear it."""
        sink = self.here[-1].sink
        match event:
            case wire.Accepted():
                sink.accepted("phi-2")
            case wire.ForwardedDelta():
                fields = (event.kind, event.index, event.call, event.name)
                sink.delta(DeltaItem(0, event.seq, event.n, event.text, *fields))
            case wire.Done():
                sink.done(Answered(event.finish_reason, event.usage, event.timings))
            case wire.Interrupted():
                sink.failed(event.reason, event.usage, event.timings)
            case wire.Failed():
                sink.failed(event.reasons[-1], Usage(), None)
            case _:
                sink.news(event)  # type: ignore[arg-type]

    def here_answers(self, *words: str) -> None:
        self.here_says(wire.Accepted(0))
        for number, word in enumerate(words):
            self.here_says(wire.ForwardedDelta(0, number, 1, raw(word)))

    def here_fails(self, failure: Failure) -> None:
        self.here_says(wire.Failed(0, [failure]))

    def hears(self, event: out.FromEgress) -> None:
        """The egress process says something."""
        self.providers.egress_message(event)

    def away_says(self, *words: str, done: bool = True) -> None:
        key = self.away[-1].key
        self.hears(out.CompletionConnected(key))
        self.hears(out.CompletionSent(key))
        for number, word in enumerate(words):
            self.hears(out.CompletionDelta(key, number, 1, word))
        if done:
            usage = Usage(1_000_000, 0, len(words))
            self.hears(out.CompletionDone(key, len(words), "stop", usage))

    def away_thinks(self, characters: int) -> None:
        key = self.away[-1].key
        self.hears(out.CompletionConnected(key))
        self.hears(out.CompletionThinking(key, characters))

    def away_fails(self, failure: Failure, usage: Usage = NOTHING) -> None:
        self.hears(out.CompletionFailed(self.away[-1].key, failure, usage))

    # -- what the client heard -----------------------------------------------------------------

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.heard]

    def last(self) -> wire.Event:
        return self.heard[-1]

    def notices(self, kind: str) -> list[str]:
        return [event.reason for event in self.heard if isinstance(event, wire.Notice) and event.kind == kind]

    def text(self) -> str:
        deltas = [event for event in self.heard if isinstance(event, wire.ForwardedDelta)]
        assert [delta.seq for delta in deltas] == list(range(len(deltas)))
        return "".join(msgspec.msgpack.decode(delta.text, type=str) for delta in deltas)


class ThisMachine:
    """Implements `jobs.Backend` for this machine."""

    keeps_time = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def start(self, job: Job, sink: Sink) -> Handle:
        asked = Asked(len(self._desk.here), job, sink)
        self._desk.here.append(asked)
        return HereHandle(self._desk, asked)


class HereHandle:
    """Implements `jobs.Handle`."""

    def __init__(self, desk: Desk, asked: Asked) -> None:
        self._desk, self._asked = desk, asked

    @property
    def dispatched_at(self) -> float | None:
        return self._desk.dispatched

    def cancel(self) -> None:
        self._desk.stopped.append(self._asked.id)
        self._asked.sink.cancelled(Usage(completion_tokens=1), Timings())


class Egress:
    """The egress process, as the providers see it: it takes everything, and says what the test says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def join(self, user: object, *takes: type) -> None: ...

    def rested(self, stay: float) -> None: ...

    def start(self) -> None:
        if self._desk.refuse is not None:
            failure, self._desk.refuse = self._desk.refuse, None
            raise AiPalError(failure)

    def send(self, message: out.ToEgress, blobs: Sequence[bytes] = ()) -> bool:
        if isinstance(message, out.Complete):
            self._desk.away.append(message)
        elif isinstance(message, out.CancelCompletion):
            self._desk.stopped.append(message.key)
        return True


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(text))
