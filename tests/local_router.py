"""A router that knows only this machine: every request has one candidate, as without other tiers."""

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.providers.prices import PriceTable, price_table
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.server.router.router import Router
from ai_pal.server.services.local import LocalModels
from ai_pal.store.ledger import Attempt, Spent


class OnlyHere:
    """Implements `Snapshots`: whatever is named is a model of this machine."""

    def snapshot(self, reference: str) -> Snapshot:
        return Snapshot(here=Here(model=reference))

    def met(self, provider: str) -> None:
        pass

    def prices(self) -> PriceTable:
        return price_table()

    def spent(self) -> Spent:
        return Spent()


class NoCompletions:
    """Implements `Completions`: nobody else is there."""

    def start(self, complete: out.Complete, *, local_only: bool) -> None:
        raise AssertionError(f"nobody was to be asked: {complete}")

    def list_models(self, request: out.ListModels) -> None:
        raise AssertionError(f"nobody was to be asked: {request}")

    def cancel(self, key: int) -> None:
        raise AssertionError("nothing was begun")


class BookPages:
    """Implements `Ledger`; keeps what it is given."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def record(self, attempt: Attempt) -> bool:
        self.attempts.append(attempt)
        return True


def no_judge(messages: list[Message]) -> Scored:
    return Scored(0.0, [])


def local_router(clients: Clients, clock: Clock, observe: Observe) -> tuple[Router, LocalModels]:
    """The router, and the place for the supervisor below it."""
    local = LocalModels()
    router = Router(
        clients=clients,
        local=local,
        completions=NoCompletions(),
        snapshots=OnlyHere(),
        ledger=BookPages(),
        judge=no_judge,
        clock=clock,
        observe=observe,
    )
    return router, local
