"""Circuit breakers: who has failed of late is left alone for a while, then probed by one request. Pure."""

from enum import Enum, auto

import msgspec

from ai_pal.errors import PERMANENT, Code, Failure

UNREACHABLE = frozenset({Code.PROVIDER_UNREACHABLE, Code.CONNECT_TIMEOUT})
"""Nobody is there: once is enough, and it counts for all models of the provider."""

NOT_ITS_FAULT = frozenset({Code.OVER_BUDGET, Code.SHUTTING_DOWN, Code.DEADLINE_EXCEEDED, Code.OVERLOADED})
"""Our own reasons; with what is permanent they say nothing about the provider's health."""


class BreakerPolicy(msgspec.Struct, frozen=True):
    """Opens after `threshold` failures in a row, for `base` seconds, each time twice as long up to `cap`."""

    threshold: int = 3
    base: float = 15.0
    cap: float = 300.0


class Position(Enum):
    """Whether it may be asked."""

    CLOSED = auto()
    HALF_OPEN = auto()
    OPEN = auto()


class Breaker(msgspec.Struct, frozen=True):
    """One breaker. `until` is when it may be probed, `probing` while that is under way."""

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    probing: bool = False
    why: Failure | None = None

    def position(self, now: float) -> Position:
        if not self.opened:
            return Position.CLOSED
        return Position.OPEN if self.probing or now < self.until else Position.HALF_OPEN

    def refusal(self, name: str, now: float) -> Failure | None:
        """Why nothing is asked now, None where it may be."""
        if self.position(now) is not Position.OPEN:
            return None
        why = self.why.message if self.why is not None else f"{name} failed"
        wait = max(0.0, self.until - now)
        how = f"asked again in {wait:.0f} s" if wait else "another request is trying it now"
        return Failure(Code.BREAKER_OPEN, f"{why} ({how})", retryable=True, retry_after=wait or None)


def counts(failure: Failure) -> bool:
    """Whether it says something about the provider's health."""
    return failure.code not in PERMANENT and failure.code not in NOT_ITS_FAULT


def asked(breaker: Breaker, now: float) -> Breaker:
    """A request goes out: if the breaker is half open, that is its probe."""
    if breaker.position(now) is Position.HALF_OPEN:
        return msgspec.structs.replace(breaker, probing=True)
    return breaker


def succeeded() -> Breaker:
    """Content came: all is forgotten."""
    return Breaker()


def released(breaker: Breaker) -> Breaker:
    """The request ended without telling anything, as cancelled ones do."""
    return msgspec.structs.replace(breaker, probing=False)


def failed(breaker: Breaker, failure: Failure, now: float, policy: BreakerPolicy) -> Breaker:
    """One more failure that counts."""
    failures = breaker.failures + 1
    at_once = failure.code in UNREACHABLE or failure.retry_after is not None
    if not at_once and not breaker.opened and failures < policy.threshold:
        return msgspec.structs.replace(breaker, failures=failures)
    pause = min(policy.cap, policy.base * 2 ** min(breaker.opened, 16))
    until = now + max(pause, failure.retry_after or 0.0)
    return Breaker(failures, breaker.opened + 1, until, probing=False, why=failure)
