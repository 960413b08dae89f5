"""A router that knows only this machine: every request has one candidate, as without other tiers."""

from ai_pal.complexity import Scored
from ai_pal.messages import egress as out
from ai_pal.messages.chat import Message
from ai_pal.router.local import LocalModels
from ai_pal.router.router import Router
from ai_pal.routing.facts import Facts, Here
from ai_pal.routing.prices import PriceTable, price_table
from ai_pal.store.ledger import Attempt, Spent
from ai_pal.supervisor.ports import Clients, Clock, Observe


class OnlyHere:
    """Implements `Survey`: whatever is named is a model of this machine."""

    def facts(self, reference: str) -> Facts:
        return Facts(here=Here(model=reference))

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
    """Implements `Books`; keeps what it is given."""

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
        survey=OnlyHere(),
        books=BookPages(),
        judge=no_judge,
        clock=clock,
        observe=observe,
    )
    return router, local
