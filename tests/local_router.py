"""A router that knows only this machine: every request has one candidate, as without other tiers."""

from collections.abc import Callable, Sequence

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.provider import Provider
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.server.backends.local import Follower
from ai_pal.server.jobs import Backend, Handle, Job, Sink
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.server.router.router import Router
from ai_pal.server.services.client_sink import ClientSink
from ai_pal.store.ledger import Attempt, Spent


class OnlyHere:
    """Implements `Snapshots`: whatever is named is a model of this machine."""

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        return Snapshot(here=Here(model=reference))

    def larger(self) -> list[Here]:
        return []

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


class NoProviders:
    """Implements `Backend` and `Lists`: nobody else is there."""

    keeps_time = True

    def start(self, job: Job, sink: Sink) -> Handle:
        raise AssertionError(f"nobody was to be asked: {job}")

    def list_models(
        self,
        provider: Provider,
        told: Callable[[out.ProviderModels | Failure], None],
        *,
        describe: bool = False,
    ) -> Handle:
        raise AssertionError(f"nobody was to be asked: {provider}")


class NoDownloads:
    """Implements `Fetch`: nothing is to be had."""

    def follow(self, follower: Follower, reference: str) -> None:
        raise AssertionError(f"nothing was to be fetched: {reference}")

    def leave(self, follower: Follower) -> None:
        raise AssertionError("nothing was begun")

    def fetch_first(self, client: bytes, request: wire.Load, then: Callable[[], None]) -> None:
        raise AssertionError(f"nothing was to be fetched: {request}")


class BookPages:
    """Implements `Ledger`; keeps what it is given."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def record(self, attempt: Attempt) -> bool:
        self.attempts.append(attempt)
        return True


def no_judge(messages: list[Message]) -> Scored:
    return Scored(0.0, [])


def local_router(clients: Clients, clock: Clock, observe: Observe, models: Backend) -> Router:
    """The router above these models."""
    return Router(
        clients=clients,
        local=models,
        providers=NoProviders(),
        snapshots=OnlyHere(),
        ledger=BookPages(),
        judge=no_judge,
        clock=clock,
        observe=observe,
    )


def ask(models: Backend, clients: Clients, client: bytes, chat: wire.Chat) -> Handle:
    """Ask for an answer without a router in between; the client hears of it."""
    work = inner.Generate(0, chat.messages, chat.options)
    job = Job(work=work, model=chat.model, owner=client, deadline=chat.deadline, keep_alive=chat.keep_alive)
    return models.start(job, ClientSink(clients, client, chat.id))
