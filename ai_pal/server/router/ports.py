"""What the router needs from the world. Real at the edge (`ai_pal.server.app`), simulated in tests."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.providers.prices import PriceTable
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.query import Goal
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.store.ledger import Attempt, Spent

Judge = Callable[[list[Message]], Scored]
"""How hard a conversation is to answer, and why: `ai_pal.server.router.complexity.explain`."""


class Snapshots(Protocol):
    """How things stand. Quick: it is asked before every answer."""

    def snapshot(self, reference: str, lora: Sequence[str] = ()) -> Snapshot:
        """Who could answer: everyone for an empty reference, else whom it names, and its twin on Ollama. The
        model of this machine has the adapters `lora`."""

    def seeing(self) -> list[Here]:
        """The models of this machine of which it is known that they see or hear. Not quick: it is asked where
        somebody else cannot."""

    def met(self, provider: str) -> None:
        """One that nobody has set up has answered: from now on it is missed when it is not there."""

    def prices(self) -> PriceTable:
        """What providers charge."""

    def spent(self) -> Spent:
        """What this day and this month have cost so far. Raises `AiPalError`: why that is not known."""


class Ledger(Protocol):
    """Keeps an account of attempts."""

    def record(self, attempt: Attempt) -> bool:
        """One attempt has ended. False: it was shed."""


class RouterPolicy(msgspec.Struct, frozen=True):
    """`model` is what an unnamed one means; empty: the router chooses. Seconds and US dollars; None: none."""

    model: str = ""
    goal: Goal = "balanced"
    local_only: bool = False
    deadline: float | None = None
    connect: float = 5.0
    queue: float = 30.0
    first_token: float = 60.0
    gap: float = 60.0
    budget_day: float | None = None
    budget_month: float | None = None
