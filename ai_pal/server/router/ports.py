"""What the router needs from the world. Real at the edge (`ai_pal.server.app`), simulated in tests."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.providers.prices import PriceTable
from ai_pal.server.router.cascade.share import learned
from ai_pal.server.router.cascade.watch import Escalate
from ai_pal.server.router.complexity import Scored
from ai_pal.server.router.policy.query import Goal
from ai_pal.server.router.policy.snapshot import Here, Snapshot
from ai_pal.store.doubts import ModelDoubts, Seen
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

    def larger(self) -> list[Here]:
        """Models of this machine that are larger than its own one and for which there is room now, the
        largest first. Not quick: it is asked where only this machine may answer, and its own doubts."""

    def met(self, provider: str) -> None:
        """One that nobody has set up has answered: from now on it is missed when it is not there."""

    def prices(self) -> PriceTable:
        """What providers charge."""

    def spent(self) -> Spent:
        """What this day and this month have cost so far. Raises `AiPalError`: why that is not known."""

    def spent_by(self, principal: str) -> float:
        """What this day has cost for this principal. Raises as `spent`."""


class Ledger(Protocol):
    """Keeps an account of attempts."""

    def record(self, attempt: Attempt) -> bool:
        """One attempt has ended. False: it was shed."""


class DoubtMemory(Protocol):
    """What is known of each model's doubts. Quick: it is asked before answers of this machine."""

    def known(self, key: str) -> ModelDoubts | None:
        """Of the model file of this key (`store.doubts.key_of`), to be changed in place; None: nothing."""

    def learned(self) -> None:
        """Something was changed in place."""


class NoDoubts:
    """Nothing is known: no model can doubt. Implements `DoubtMemory`."""

    def known(self, key: str) -> ModelDoubts | None:
        return None

    def learned(self) -> None: ...


class RouterPolicy(msgspec.Struct, frozen=True):
    """`model` is what an unnamed one means; empty: the router chooses. Seconds and US dollars; None: none.
    `escalate` is for requests that say nothing of it, `share` the part of a model's answers that counts as
    doubted; with `learn` what people say of answers moves it."""

    model: str = ""
    goal: Goal = "balanced"
    local_only: bool = False
    mine: bool = False
    deadline: float | None = None
    connect: float = 5.0
    queue: float = 30.0
    first_token: float = 60.0
    gap: float = 60.0
    budget_day: float | None = None
    budget_month: float | None = None
    escalate: Escalate = "off"
    share: float = 0.2
    learn: bool = False

    def share_of(self, seen: Seen) -> float:
        """The share that holds for a kind of prompt, by what is known of it."""
        return learned(self.share, seen.good, seen.bad) if self.learn else self.share
