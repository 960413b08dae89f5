"""A router between scripted parties: what it asks is written down, what they answer is said by the test."""

import msgspec

from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Usage
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.providers.server import Server
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.server.router.router import Router
from ai_pal.store.ledger import Attempt, Spent
from tests.simulation.clock import VirtualClock

ANN = b"ann"
HI = [Message("user", "hi")]
OLLAMA = Server(provider=out.Provider("ollama", "ollama"), mid="phi")
OPENAI = Server(provider=out.Provider("openai", "openai"), mid="gpt-3.5-turbo", strong="gpt-4")
ANTHROPIC = Server(provider=out.Provider("anthropic", "anthropic"), mid="claude-3-haiku")
POLICY = RouterPolicy(queue=3.0, first_token=4.0)
NOTHING = Usage()


class Desk:
    """Implements every port of the router. `here` are the chats that went to this machine, `away` the
    completions; `refuse` is what the next completion is refused with."""

    def __init__(self, *clouds: Server, score: float = 0.1, policy: RouterPolicy = POLICY) -> None:
        self.clock, self.score, self.clouds = VirtualClock(), score, clouds
        self.heard: list[wire.Event] = []
        self.here: list[wire.Chat] = []
        self.away: list[out.Complete] = []
        self.stopped: list[int] = []
        self.ledger: list[Attempt] = []
        self.log: list[str] = []
        self.seen: list[str] = []
        self.refuse: Failure | None = None
        self.dispatched: float | None = None
        self.costs: Spent | AiPalError = Spent()
        self.router = Router(
            clients=self,
            local=self,
            completions=Elsewhere(self),
            snapshots=self,
            ledger=self,
            judge=lambda messages: Scored(self.score, []),
            clock=self.clock,
            observe=lambda event, **fields: self.log.append(event),
            policy=policy,
        )
        self.clock.alarm = self.router.tick

    # -- Clients, Local, Survey, Books ---------------------------------------------------------

    def send(self, client: bytes, event: wire.Event) -> None:
        self.heard.append(event)

    def chat(self, client: bytes, chat: wire.Chat) -> None:
        self.here.append(chat)

    def cancel(self, client: bytes, request_id: int) -> None:
        self.stopped.append(request_id)
        self.router.send(client, wire.Cancelled(request_id, Usage(completion_tokens=1)))

    def dispatched_at(self, client: bytes, request_id: int) -> float | None:
        return self.dispatched

    def snapshot(self, reference: str) -> Snapshot:
        if reference.startswith("openai:"):
            return Snapshot(clouds=(Server(provider=OPENAI.provider, mid=reference.partition(":")[2]),))
        here = Here(model=reference or "phi-2", loaded=True)
        return Snapshot(here=here, ollama=OLLAMA, clouds=() if reference else self.clouds)

    def met(self, provider: str) -> None:
        self.seen.append(provider)

    def prices(self) -> PriceTable:
        return price_table()

    def spent(self) -> Spent:
        if isinstance(self.costs, AiPalError):
            raise self.costs
        return self.costs

    def record(self, attempt: Attempt) -> bool:
        self.ledger.append(attempt)
        return True

    # -- what the test says --------------------------------------------------------------------

    def ask(self, **how: object) -> None:
        self.router.chat(ANN, wire.Chat(**{"id": 1, "messages": HI, **how}))  # type: ignore[arg-type]

    def here_says(self, event: wire.Event) -> None:
        """An event of the latest chat on this machine; its id is put in."""
        self.router.send(ANN, msgspec.structs.replace(event, id=self.here[-1].id))

    def here_answers(self, *words: str) -> None:
        self.here_says(wire.Accepted(0))
        self.here_says(wire.Started(0, 1, "local", "phi-2"))
        for number, word in enumerate(words):
            self.here_says(wire.ForwardedDelta(0, number, 1, raw(word)))

    def here_fails(self, failure: Failure) -> None:
        self.here_says(wire.Failed(0, [failure]))

    def away_says(self, *words: str, done: bool = True) -> None:
        key = self.away[-1].key
        self.router.completion_event(out.CompletionConnected(key))
        self.router.completion_event(out.CompletionSent(key))
        for number, word in enumerate(words):
            self.router.completion_event(out.CompletionDelta(key, number, 1, word))
        if done:
            usage = Usage(1_000_000, 0, len(words))
            self.router.completion_event(out.CompletionDone(key, len(words), "stop", usage))

    def away_thinks(self, characters: int) -> None:
        key = self.away[-1].key
        self.router.completion_event(out.CompletionConnected(key))
        self.router.completion_event(out.CompletionThinking(key, characters))

    def away_fails(self, failure: Failure, usage: Usage = NOTHING) -> None:
        self.router.completion_event(out.CompletionFailed(self.away[-1].key, failure, usage))

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


class Elsewhere:
    """Implements `Completions` for the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def start(self, complete: out.Complete, *, local_only: bool) -> None:
        if self._desk.refuse is not None:
            failure, self._desk.refuse = self._desk.refuse, None
            raise AiPalError(failure)
        self._desk.away.append(complete)

    def cancel(self, key: int) -> None:
        self._desk.stopped.append(key)


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(text))
