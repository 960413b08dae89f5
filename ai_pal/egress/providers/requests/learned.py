"""Rules that refusals have taught, by provider and model, and the one request that is made better for it."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from ai_pal.egress.providers.failures.error_body import read
from ai_pal.egress.providers.requests.rules import Fitted, Rules, learned
from ai_pal.egress.providers.requests.turns import shaped
from ai_pal.protocol.egress import Complete

MOST = 256
"""Models that are remembered; a client may name any number."""

T = TypeVar("T")


class Learned:
    """See the module. Lives as long as the egress process."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], Rules] = {}

    def rules(self, request: Complete, known: Rules) -> Rules:
        """What was learned of its model, else what is known of the family."""
        return self._rules.get(_key(request), known)

    def add(self, request: Complete, rules: Rules) -> None:
        key = _key(request)
        self._rules.pop(key, None)
        self._rules[key] = msgspec.structs.replace(rules, room=0)  # the next prompt is of another length
        if len(self._rules) > MOST:
            del self._rules[next(iter(self._rules))]

    async def ask(
        self,
        request: Complete,
        known: Rules,
        fit: Callable[[Rules], Fitted],
        ask: Callable[[Fitted, Rules], Awaitable[T]],
    ) -> tuple[T, Fitted]:
        """Ask by the rules. Where the server refuses something of the request with HTTP 400 or 422 that can
        be done better, it has computed and charged nothing: then ask once more, and never a third time."""
        rules = self.rules(request, known)
        fitted = fit(rules)
        try:
            return await ask(fitted, rules), fitted
        except Exception as error:
            better = self._taught(request, rules, fit, error)
            if better is None:
                raise
        rules, fitted = better, fit(better)
        try:
            return await ask(fitted, rules), fitted
        except Exception as error:
            self._taught(request, rules, fit, error)  # the next prompt gains by it
            raise

    def _taught(
        self, request: Complete, rules: Rules, fit: Callable[[Rules], Fitted], error: Exception
    ) -> Rules | None:
        """What a refusal teaches, if the same request is another by it."""
        status = getattr(error, "status_code", None)
        if not isinstance(status, int):
            return None
        better = learned(rules, status, read(getattr(error, "body", None)), fit(rules).given)
        if better is None:
            return None
        turns = shaped(request.messages, rules.shapes), shaped(request.messages, better.shapes)
        if fit(better).given == fit(rules).given and turns[0] == turns[1]:
            return None
        self.add(request, better)
        return better


def _key(request: Complete) -> tuple[str, str, str]:
    return request.provider.name, request.provider.base_url, request.model
