"""A ledger that forgets when it is dropped: what the real one is held against."""

import time
from collections.abc import Sequence

from ai_pal.store.calendar import Span
from ai_pal.store.ledger import (
    ANSWERED,
    DOUBTED,
    HARD,
    LOCAL_TIER,
    MACHINE_TIER,
    UNKNOWN,
    Attempt,
    By,
    Spent,
    Sums,
    Tokens,
)

MOST_TOKENS = 1_000_000_000
MOST_COST = 1e9


class MemoryLedger:
    """Implements `Ledger`."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def record(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            tokens = (attempt.prompt_tokens, attempt.completion_tokens)
            if min(tokens) < 0 or max(tokens) > MOST_TOKENS or not 0 <= attempt.cost <= MOST_COST:
                raise ValueError(f"these figures cannot be: {attempt}")
        self.attempts += attempts

    def spent(self, day: Span, month: Span) -> Spent:
        return Spent(
            sum(attempt.cost for attempt in self.attempts if attempt.at in day),
            sum(attempt.cost for attempt in self.attempts if attempt.at in month),
        )

    def summary(
        self,
        by: By,
        since: float = float("-inf"),
        until: float = float("inf"),
    ) -> list[Sums]:
        groups: dict[str, list[Attempt]] = {}
        for attempt in self.attempts:
            if since <= attempt.at < until:
                groups.setdefault(_key(by, attempt), []).append(attempt)
        kept = [key for key in sorted(groups) if "model" not in by or any(map(_leaves_trace, groups[key]))]
        gave_way = {attempt.request for attempt in self.attempts if attempt.outcome == DOUBTED}
        return [_sums(key, groups[key], gave_way) for key in kept]

    def close(self) -> None:
        pass


def _key(by: By, attempt: Attempt) -> str:
    match by:
        case "day":
            return time.strftime("%Y-%m-%d", time.localtime(attempt.at))
        case "model":
            return attempt.model if attempt.tier == LOCAL_TIER else f"{attempt.provider}:{attempt.model}"
        case "day and model":
            return f"{_key('day', attempt)} {_key('model', attempt)}"
        case "tier":
            return str(attempt.tier)
        case "principal":
            return attempt.principal


def _leaves_trace(attempt: Attempt) -> bool:
    """Whether there is such a model, or a prompt left this machine for it all the same."""
    return attempt.outcome != UNKNOWN or attempt.remote


def _sums(key: str, attempts: list[Attempt], gave_way: set[str]) -> Sums:
    answers = [attempt for attempt in attempts if attempt.outcome == ANSWERED]
    here = [attempt for attempt in answers if not attempt.remote]
    strong = [attempt for attempt in here if (attempt.score or 0.0) > HARD]
    mid = [attempt for attempt in here if (attempt.score or 0.0) <= HARD]
    return Sums(
        key=key,
        attempts=len(attempts),
        answers=len(answers),
        here=len(here),
        left=sum(attempt.remote for attempt in attempts),
        tokens=_tokens(attempts),
        cost=sum(attempt.cost for attempt in attempts),
        mid=_tokens(mid),
        strong=_tokens(strong),
        unpriced=sum(not attempt.priced for attempt in attempts),
        left_to_mine=sum(attempt.remote and attempt.tier == MACHINE_TIER for attempt in attempts),
        doubted=sum(attempt.outcome == DOUBTED for attempt in attempts),
        doubted_cost=sum(attempt.cost for attempt in attempts if attempt.request in gave_way),
    )


def _tokens(attempts: list[Attempt]) -> Tokens:
    return sum((Tokens(attempt.prompt_tokens, attempt.completion_tokens) for attempt in attempts), Tokens())
