"""The ledger: one row per attempt at an answer, without any text, and its sums."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from ai_pal.errors import Code
from ai_pal.store.calendar import Span

By = Literal["day", "model", "tier", "principal", "day and model"]

HARD = 0.7
"""A prompt that scores more is for a strong cloud, where one may be asked."""

LOCAL_TIER, MACHINE_TIER = 1, 4
ANSWERED = "done"
"""The outcome of an attempt that gave a whole answer; others are "cancelled", "interrupted" or a code."""

DOUBTED: str = Code.UNSURE
"""The outcome of an answer of this machine in whose place another was given."""

UNKNOWN: str = Code.MODEL_NOT_FOUND
"""The outcome where there is no such model."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one candidate. `at` is in seconds since 1970 (UTC), `cost` in US dollars; the phases
    (`queued`, `connect`, `first_token`, `total`) are seconds. Not `priced`: it cost more, and nobody knows
    how much. `score` is the complexity, None where nobody asked for it. `remote`: the prompt left this
    machine. `local_only`: it must not; `mine`: not the user's machines. `principal` is for whom its client
    asked, empty for itself."""

    at: float
    request: str
    tier: int
    provider: str
    model: str
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    queued: float = 0.0
    connect: float = 0.0
    first_token: float = 0.0
    total: float = 0.0
    score: float | None = None
    remote: bool = False
    local_only: bool = False
    priced: bool = True
    principal: str = ""
    mine: bool = False


class Spent(msgspec.Struct, frozen=True):
    """US dollars of a day and of its month."""

    day: float = 0.0
    month: float = 0.0


class Tokens(msgspec.Struct, frozen=True):
    """What providers charge for."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts that have `key` in common: the day, the model, the tier or the principal.

    `answers` were given, `here` of them without the prompt leaving this machine; `left` counts the
    attempts that took a prompt away, `left_to_mine` those of them to other machines of the user's. `mid` and
    `strong` are the tokens answered here whose score would have asked for such a cloud. `unpriced` counts the
    attempts of which nobody knows what they cost, `doubted` the answers of this machine that were given up
    for another's, and `doubted_cost` is what those cost.
    """

    key: str
    attempts: int
    answers: int
    here: int
    left: int
    tokens: Tokens
    cost: float
    mid: Tokens
    strong: Tokens
    unpriced: int = 0
    doubted: int = 0
    left_to_mine: int = 0
    doubted_cost: float = 0.0


class Ledger(Protocol):
    """Where attempts are kept. Every call may raise `AiPalError` (`store_damaged`, `disk_full`, ...)."""

    def record(self, attempts: Sequence[Attempt]) -> None:
        """Keep all of them or none. When it returns they survive a crash and a power cut.

        Raises ValueError for figures that cannot be: below 0, not finite, or beyond all measure."""

    def spent(self, day: Span, month: Span) -> Spent:
        """What the attempts of this day and this month cost; the day lies within the month. One with a later
        time, from when the clock was ahead, belongs to the day that it names."""

    def summary(
        self,
        by: By,
        since: float = float("-inf"),
        until: float = float("inf"),
    ) -> list[Sums]:
        """Sums of the attempts in [`since`, `until`), in the order of their keys; days are local ones.
        A score above `HARD` would have asked for a strong cloud. By model, those that nobody knows and
        for which no prompt left this machine are left out: most are mistyped names. A key of day and model is
        that of the day, a blank, and that of the model."""

    def close(self) -> None:
        """Let go of the file."""
