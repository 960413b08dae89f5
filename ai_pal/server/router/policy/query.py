"""What is asked, as far as it decides who answers."""

from typing import Literal

import msgspec

from ai_pal.protocol.content import Message
from ai_pal.server.router.policy.candidate import Grade

Goal = Literal["privacy", "cost", "latency", "quality", "balanced"]

SIMPLE, HARD = 0.3, 0.7
"""Below `SIMPLE` a prompt is for this machine, above `HARD` for a strong cloud."""

ANSWER_TOKENS = 400
"""How long an answer is expected to be where no limit says less."""

BYTES_PER_TOKEN = 3
"""Rather too many tokens than too few: English has about four bytes in one."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """`score` is the complexity from 0 to 1. `max_cost` (this answer) and `left` (of the budgets) are US
    dollars, None for no limit; `unaccounted` is why nobody knows what is left. `named`: the user said who is
    to answer, so nothing but that is planned."""

    score: float = 0.0
    goal: Goal = "balanced"
    prompt_tokens: int = 0
    answer_tokens: int = ANSWER_TOKENS
    local_only: bool = False
    max_cost: float | None = None
    left: float | None = None
    unaccounted: str = ""
    fallback: bool = True
    named: bool = False

    @property
    def private(self) -> bool:
        """Nothing may leave this machine."""
        return self.local_only or self.goal == "privacy"

    @property
    def grades(self) -> tuple[Grade, ...]:
        """The kinds of cloud models that are considered, the best suited first."""
        wants_strong = self.score > HARD or self.goal == "quality"
        return (Grade.STRONG, Grade.MID) if wants_strong else (Grade.MID,)


def tokens_in(messages: list[Message]) -> int:
    """About how many tokens a conversation has; never asks a tokenizer, never too few for usual text."""
    return sum(4 + -(-len(message.text.encode()) // BYTES_PER_TOKEN) for message in messages)
