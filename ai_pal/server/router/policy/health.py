"""What earlier attempts have taught about each candidate: breakers and latency. No I/O, no clock."""

from ai_pal.errors import Code, Failure
from ai_pal.server.router.policy import breaker
from ai_pal.server.router.policy.breaker import Breaker
from ai_pal.server.router.policy.candidate import LOCAL, Candidate
from ai_pal.server.router.policy.latency import learned

MOST = 1024
"""Names that are remembered; a client may name any number of models."""


class ProviderHealth:
    """Implements `snapshot.Health` at the time `now`, which its owner sets. This machine's models have no
    breaker: the supervisor has its own back-off."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}
        self._seconds: dict[str, float] = {}
        self.now = 0.0

    def blocked(self, candidate: Candidate) -> Failure | None:
        for key in _keys(candidate):
            known = self._breakers.get(key)
            if known is not None and not known.is_outdated(candidate.mark):
                refusal = known.refusal(key, self.now)
                if refusal is not None:
                    return refusal
        return None

    def seconds(self, candidate: Candidate) -> float | None:
        return self._seconds.get(candidate.name)

    def asked(self, candidate: Candidate) -> None:
        """It is asked now."""
        for key in _keys(candidate):
            if key in self._breakers:
                self._breakers[key] = breaker.asked(self._breakers[key], self.now)

    def answered(self, candidate: Candidate, seconds: float) -> None:
        """Its first content came after so many seconds."""
        for key in _keys(candidate):
            self._breakers.pop(key, None)
        before = self._seconds.pop(candidate.name, None)
        self._seconds[candidate.name] = learned(before, seconds)
        _bounded(self._seconds)

    def failed(self, candidate: Candidate, failure: Failure) -> None:
        """It did not answer, or broke off."""
        if failure.code == Code.BREAKER_OPEN:  # it was not asked
            return
        if not breaker.counts(failure):
            self.released(candidate)
            return
        for key in _keys(candidate):
            if (key == candidate.provider) == breaker.of_provider(failure):
                before = self._breakers.pop(key, Breaker())
                if before.is_outdated(candidate.mark):
                    before = Breaker()
                self._breakers[key] = breaker.failed(before, failure, self.now, candidate.mark)
                _bounded(self._breakers)
        self.released(candidate)

    def released(self, candidate: Candidate) -> None:
        """Nothing was learned: the request was cancelled."""
        for key in _keys(candidate):
            if key in self._breakers:
                self._breakers[key] = breaker.released(self._breakers[key])


def _keys(candidate: Candidate) -> tuple[str, ...]:
    """The breakers that a candidate stands behind: its provider's, and its own."""
    return () if candidate.tier == LOCAL else (candidate.provider, candidate.name)


def _bounded(names: dict[str, Breaker] | dict[str, float]) -> None:
    """Forget the one that was not heard of for longest."""
    if len(names) > MOST:
        del names[next(iter(names))]
