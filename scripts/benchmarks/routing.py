"""What the router adds, in one process and without sockets: the supervisor alone, and with the router."""

import random
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.protocol import client as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.usage import Usage
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.providers.server import Server
from ai_pal.server.backends.local import Follower, LocalModels
from ai_pal.server.jobs import Handle, Job, Sink
from ai_pal.server.nodes.base import ExitStatus, LaunchSpec, ProcessUsage
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.router import complexity
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.server.router.router import Router
from ai_pal.server.services.client_sink import ClientSink
from ai_pal.store.ledger import Attempt, Spent
from ai_pal.transport.sockets import Blob
from scripts.benchmarks.figures import Row, row

REQUESTS, DELTAS = 300, 20_000
PROMPT = "Write a function that sorts a list of words by their length, and explain how fast it is."
RESOLVED = Resolved(inner.LoadModel("echo", "echo"))
TEXT = msgspec.Raw(msgspec.msgpack.encode("word "))
SERVERS = (
    Server(provider=Provider("openai", "openai"), mid="gpt-3.5-turbo", strong="gpt-4"),
    Server(provider=Provider("anthropic", "anthropic"), mid="claude-3-haiku", strong="claude-3-opus"),
    Server(provider=Provider("cohere", "cohere"), mid="command", strong="command", key=False),
)


class Nobody:
    """Implements `Clients` for clients that do not listen."""

    def send(self, client: bytes, event: wire.Event) -> None: ...


class World:
    """Every other port of both actors. The worker takes each request, and answers what `Bench` says."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.worker = ""
        self.pid = 1

    def send(self, worker: str, message: inner.ToWorker, blobs: Sequence[Blob] = ()) -> bool:
        if isinstance(message, inner.Generate):
            self.keys.append(message.key)
        return True

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> "World":
        self.worker = spec.worker
        return self

    def now(self) -> float:
        return 0.0

    def wake_at(self, when: float) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def usage(self) -> ProcessUsage | None:
        return None

    def owns(self, pid: int) -> bool:
        return True

    def stderr_tail(self) -> str:
        return ""

    def larger(self) -> list[Here]:
        return []

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        here = Here(model="echo", loaded=True)
        return Snapshot(here=here, clouds=() if reference else SERVERS)

    def seeing(self) -> list[Here]:
        return []

    def met(self, provider: str) -> None:
        pass

    def prices(self) -> PriceTable:
        return price_table()

    def spent(self) -> Spent:
        return Spent()

    def spent_by(self, principal: str) -> float:
        return 0.0

    def record(self, attempt: Attempt) -> bool:
        return True


class NoProviders:
    """Implements `Backend`: nobody else is asked."""

    keeps_time = True

    def start(self, job: Job, sink: Sink) -> Handle:
        raise AssertionError(job)


class NoDownloads:
    """Implements `Fetch`: everything is here."""

    def follow(self, follower: Follower, reference: str) -> None:
        raise AssertionError(reference)

    def leave(self, follower: Follower) -> None:
        raise AssertionError(follower)

    def fetch_first(self, client: bytes, request: wire.Load, then: Callable[[], None]) -> None:
        raise AssertionError(request)


class Bench:
    """A supervisor with one ready worker; requests come in at `chat`."""

    def __init__(self, *, routed: bool) -> None:
        self.world = World()
        self._nobody = Nobody()
        self.supervisor = Supervisor(
            clients=self._nobody,
            workers=self.world,
            launcher=self.world,
            clock=self.world,
            resolve=lambda reference: RESOLVED,
            jitter=random.random,
            observe=lambda event, **fields: None,
        )
        self._models = LocalModels(self.supervisor, NoDownloads(), self._nobody)
        self._router = Router(
            clients=self._nobody,
            local=self._models,
            providers=NoProviders(),
            snapshots=self.world,
            ledger=self.world,
            judge=complexity.explain,
            clock=self.world,
            observe=lambda event, **fields: None,
        )
        self.chat = self._router.chat if routed else self._alone
        self.supervisor.load(b"me", wire.Load(1))
        self._says(inner.WorkerHello(1))
        self._says(inner.Ready(8, 4096))

    def requests(self, model: str, privacy: bool) -> float:
        """Seconds for one request, from its arrival to its end, without an answer."""
        began = time.perf_counter()
        for number in range(1, REQUESTS + 1):
            self.chat(b"me", self._chat(number, model, privacy))
            self._says(inner.GenerationDone(self.world.keys[-1], "stop", Usage()))
        return (time.perf_counter() - began) / REQUESTS

    def deltas(self) -> float:
        """Seconds for one delta."""
        self.chat(b"me", self._chat(1, "echo", privacy=True))
        key = self.world.keys[-1]
        began = time.perf_counter()
        for seq in range(DELTAS):
            self._says(inner.Deltas([inner.DeltaItem(key, seq, 1, TEXT)]))
        seconds = (time.perf_counter() - began) / DELTAS
        self._says(inner.GenerationDone(key, "stop", Usage()))
        return seconds

    def _alone(self, client: bytes, chat: wire.Chat) -> None:
        work = inner.Generate(0, chat.messages, chat.options)
        job = Job(work=work, model=chat.model, owner=client)
        self._models.start(job, ClientSink(self._nobody, client, chat.id))

    def _says(self, message: inner.FromWorker) -> None:
        self.supervisor.worker_message(self.world.worker, message)

    @staticmethod
    def _chat(number: int, model: str, privacy: bool) -> wire.Chat:
        return wire.Chat(number, [Message("user", PROMPT)], model, privacy="local" if privacy else "any")


def added(pairs: int) -> Iterator[Row]:
    """Per request and per delta, in turn with the supervisor alone."""
    alone, routed = Bench(routed=False), Bench(routed=True)
    bare: list[float] = []
    named: list[float] = []
    judged: list[float] = []
    deltas: list[tuple[float, float]] = []
    for _ in range(pairs):
        bare.append(alone.requests("echo", privacy=True))
        named.append(routed.requests("echo", privacy=True))
        judged.append(routed.requests("", privacy=True))
        deltas.append((alone.deltas(), routed.deltas()))
    yield row("supervisor alone, a request", [1e6 * one for one in bare], "us")
    yield row("  the router adds, model named", _more(named, bare), "us")
    yield row("  the router adds, judged and planned", _more(judged, bare), "us")
    yield row("supervisor alone, a delta", [1e6 * one for one, _ in deltas], "us")
    yield row("  the router adds", [1e6 * (more - one) for one, more in deltas], "us")


def _more(ours: list[float], theirs: list[float]) -> list[float]:
    return [1e6 * (one - other) for one, other in zip(ours, theirs, strict=True)]
