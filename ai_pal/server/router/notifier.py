"""What clients and the log hear of the router's choices: who answers and why, who failed, who goes on."""

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.jobs import a_worker
from ai_pal.server.ports import Observe
from ai_pal.server.router.policy import line
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, OLLAMA, Candidate
from ai_pal.server.router.policy.order import Reason, in_words
from ai_pal.server.router.request import Attempt, RoutedRequest
from ai_pal.server.router.table import Table


class RouteNotifier:
    """Turns moves into notices and log events."""

    def __init__(self, table: Table, observe: Observe) -> None:
        self._table, self._observe = table, observe

    def asks(self, request: RoutedRequest, candidate: Candidate) -> bool:
        """Somebody is asked now. True: in the place of another, and that is to be told."""
        plan, chain = request.chain.plan, request.chain
        passed = line.passed_over(plan, chain.taken - 1)
        request.failed += tuple(pair for pair in passed if pair not in request.failed)
        if candidate.tier == OLLAMA and request.failed:
            self._observe("trying_ollama", model=candidate.model)
        shown = request.draft is not None and request.draft.shown
        return bool(request.failed) and not chain.committed and not shown

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """An attempt ended without a whole answer."""
        candidate = attempt.candidate
        event = "direct_loading_failed" if candidate.tier == LOCAL else "attempt_failed"
        self._observe(event, model=candidate.name, code=failure.code, reason=failure.public)

    def fallback(self, request: RoutedRequest) -> None:
        """The dim line: who was to answer, what became of that, who is asked now."""
        request.tell_at = None
        attempt = request.attempt
        if attempt is not None:
            reason = line.fallback(request.failed, attempt.candidate)
            self._table.tell(request, wire.Notice(request.chat.id, "fallback", reason))

    def seam(self, request: RoutedRequest, candidate: Candidate) -> None:
        """An answer broke off, and somebody else goes on."""
        reason = f"{line.fallback(request.failed[-1:], candidate)} goes on"
        self._table.tell(request, wire.Notice(request.chat.id, "seam", reason))

    def other_answer(self, request: RoutedRequest, candidate: Candidate) -> None:
        """Somebody else answers behind what was shown of a doubted answer."""
        request.tell_at = None
        reason = line.fallback(request.failed, candidate)
        self._table.tell(request, wire.Notice(request.chat.id, "seam", reason))

    def nobody_else(self, request: RoutedRequest) -> None:
        """An answer was doubted, and nobody else has given one."""
        self._table.tell(request, wire.Notice(request.chat.id, "unsure", line.alone(request.failed)))

    def unsure(self, request: RoutedRequest, candidate: Candidate, able: Candidate | None) -> None:
        """An answer is doubted, and stands. `able` could be asked."""
        words = request.verdict.words if request.verdict is not None else "was unsure"
        more = f"; {able.name} could be asked" if able is not None else ""
        self._table.tell(request, wire.Notice(request.chat.id, "unsure", f"{candidate.name} {words}{more}"))

    def started(self, attempt: Attempt) -> None:
        """Who answers: before the first piece of an attempt, or the end of one without any."""
        request, candidate = attempt.request, attempt.candidate
        request.told = attempt
        if request.tell_at is not None:
            self.fallback(request)
        if attempt.blind:
            attempt.blind = False
            self._table.tell(request, wire.Notice(request.chat.id, "uncalibrated", line.blind(candidate)))
        if candidate.tier == CLOUD and request.failed:
            self._observe("cloud_fallback_successful", model=candidate.name)
        why = in_words(attempt.reason, request.score or 0.0)
        if candidate.tier == LOCAL and attempt.reason is Reason.NAMED:
            why = a_worker(remote=candidate.remote)
        self._table.tell(
            request,
            wire.Started(
                request.chat.id,
                candidate.tier,
                candidate.provider,
                attempt.model or candidate.model,
                why,
                request.score,
                request.away or candidate.remote,
                attempt.read,
            ),
        )
