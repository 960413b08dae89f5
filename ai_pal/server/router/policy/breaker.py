"""Circuit breakers: who has failed of late, or has said no for good, is left alone for a while, then probed
by one request. Pure."""

from enum import Enum, auto

import msgspec

from ai_pal.errors import NOBODY_THERE, PERMANENT, Code, Failure

REFUSES_ALL = frozenset({Code.AUTH_FAILED, Code.ACCESS_DENIED, Code.NO_CREDIT})
"""No for good, whatever is asked: once is enough, and it counts for all models of the provider."""

REFUSES_MODEL = frozenset({Code.MODEL_NOT_FOUND})
"""No for good, to this model: once is enough."""

FOR_GOOD = REFUSES_ALL | REFUSES_MODEL

NOT_ITS_FAULT = frozenset({Code.OVER_BUDGET, Code.SHUTTING_DOWN, Code.DEADLINE_EXCEEDED, Code.OVERLOADED})
"""Our own reasons; with what is permanent they say nothing about the provider's health."""

THRESHOLD = 3
"""It opens after so many failures in a row; after a no for good at once."""

PAUSE, LONGEST_PAUSE = 15.0, 300.0
"""Seconds that it is open at first, each time twice as long, and at most."""

REFUSED, LONGEST_REFUSED = 600.0, 3600.0
"""The same after a no for good."""

MINUTES = 120.0
"""From so many seconds on, they are told as minutes."""


class Position(Enum):
    """Whether it may be asked."""

    CLOSED = auto()
    HALF_OPEN = auto()
    OPEN = auto()


class Breaker(msgspec.Struct, frozen=True):
    """One breaker. `until` is when it may be probed, `probing` while that is under way. `mark` is the
    candidate's when it failed: what was refused for good is asked anew under another."""

    failures: int = 0
    opened: int = 0
    until: float = 0.0
    probing: bool = False
    why: Failure | None = None
    mark: str = ""

    def position(self, now: float) -> Position:
        if not self.opened:
            return Position.CLOSED
        return Position.OPEN if self.probing or now < self.until else Position.HALF_OPEN

    def refusal(self, name: str, now: float) -> Failure | None:
        """Why nothing is asked now, None where it may be."""
        if self.position(now) is not Position.OPEN:
            return None
        why = f"{name} failed"
        if self.why is not None:
            why = self.why.public if self.why.public == self.why.message else f"{why}: {self.why.public}"
        wait = max(0.0, self.until - now)
        how = f"asked again in {_span(wait)}" if wait else "another request is trying it now"
        refused = self.why if self.why is not None and self.why.code in FOR_GOOD else None
        return Failure(
            Code.BREAKER_OPEN,
            f"{why} ({how})",
            hint=refused.hint if refused is not None else "",
            retryable=True,
            retry_after=wait or None,
            detail=refused.detail if refused is not None else "",
        )

    def is_outdated(self, mark: str) -> bool:
        """Whether what was refused for good may be taken now: the key or the consent is another."""
        return self.why is not None and self.why.code in FOR_GOOD and self.mark != mark


def counts(failure: Failure) -> bool:
    """Whether it says something about the provider's health, or about what it takes from us."""
    if failure.code in FOR_GOOD:
        return True
    return failure.code not in PERMANENT and failure.code not in NOT_ITS_FAULT


def of_provider(failure: Failure) -> bool:
    """Whether it counts for all models of the provider, not for the one that was asked."""
    return failure.code in NOBODY_THERE or failure.code in REFUSES_ALL


def asked(breaker: Breaker, now: float) -> Breaker:
    """A request goes out: if the breaker is half open, that is its probe."""
    if breaker.position(now) is Position.HALF_OPEN:
        return msgspec.structs.replace(breaker, probing=True)
    return breaker


def released(breaker: Breaker) -> Breaker:
    """The request ended without telling anything, as cancelled ones do."""
    return msgspec.structs.replace(breaker, probing=False)


def failed(breaker: Breaker, failure: Failure, now: float, mark: str) -> Breaker:
    """One more failure that counts, of a candidate with this `mark`."""
    failures, for_good = breaker.failures + 1, failure.code in FOR_GOOD
    # Nobody is there: once is enough, and it counts for all models of the provider.
    at_once = for_good or failure.code in NOBODY_THERE or failure.retry_after is not None
    if not at_once and not breaker.opened and failures < THRESHOLD:
        return msgspec.structs.replace(breaker, failures=failures)
    first, longest = (REFUSED, LONGEST_REFUSED) if for_good else (PAUSE, LONGEST_PAUSE)
    pause = min(longest, first * 2 ** min(breaker.opened, 16))
    until = now + max(pause, failure.retry_after or 0.0)
    return Breaker(failures, breaker.opened + 1, until, probing=False, why=failure, mark=mark)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < MINUTES else f"{seconds / 60:.0f} min"
