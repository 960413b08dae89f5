"""What the router needs from the world. Real at the edge (`ai_pal.server.app`), simulated in tests."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.providers.prices import PriceTable
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.query import Goal
from ai_pal.server.router.policy.snapshot import Snapshot
from ai_pal.store.ledger import Attempt, Spent

Judge = Callable[[list[Message]], Scored]
"""How hard a conversation is to answer, and why: `ai_pal.server.router.complexity.explain`."""


class Local(Protocol):
    """The workers of this machine, and the downloads of their models. What becomes of a chat is heard as
    events with its id."""

    def chat(self, client: bytes, chat: wire.Chat) -> None:
        """Take a chat, download its model first if that is wanted, or refuse it."""

    def cancel(self, client: bytes, request_id: int) -> None:
        """Stop a chat; its terminal event comes before this returns."""

    def dispatched_at(self, client: bytes, request_id: int) -> float | None:
        """Since when a worker computes it, None while it waits."""


class Completions(Protocol):
    """Answers from elsewhere. `Router.completion_event` hears of them, never from within a call."""

    def start(self, complete: out.Complete, *, local_only: bool) -> None:
        """Begin. Raises `AiPalError`, and then nothing has begun."""

    def cancel(self, key: int) -> None:
        """Stop it; nothing more is heard of it."""


class Lists(Protocol):
    """Lists of providers' models. `Inquiries.completion_event` hears of them, never from within a call."""

    def list_models(self, request: out.ListModels) -> None:
        """Begin. Raises `AiPalError`, and then nothing has begun."""

    def cancel(self, key: int) -> None:
        """Nothing more is heard of it."""


class Snapshots(Protocol):
    """How things stand. Quick: it is asked before every answer."""

    def snapshot(self, reference: str) -> Snapshot:
        """Who could answer: everyone for an empty reference, else whom it names, and its twin on Ollama."""

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
