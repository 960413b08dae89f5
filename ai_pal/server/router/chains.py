"""Walks requests along their fallback chains: asks a candidate, hears its outcome, asks the next or ends.

Part of the router's reactor: synchronous, like everything there."""

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol.usage import Timings
from ai_pal.server.jobs import Answered, Backend
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.attempts import ANSWERED, CANCELLED, Attempts
from ai_pal.server.router.escalation import Escalation
from ai_pal.server.router.hearing import DoubtingHearing, Hearing
from ai_pal.server.router.notifier import RouteNotifier
from ai_pal.server.router.policy import fallback_chain
from ai_pal.server.router.policy.eligibility import over_limit
from ai_pal.server.router.policy.fallback_chain import Ask, BreakOff, GiveUp
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.news import is_news
from ai_pal.server.router.ports import DoubtMemory, Ledger, RouterPolicy, Snapshots
from ai_pal.server.router.request import Attempt, RoutedRequest
from ai_pal.server.router.table import Table

TELL_AFTER = 1.0
"""Seconds after which a fallback is told of before anything has come of it."""


class Chains:
    """Implements `hearing.Outcomes` and `escalation.Moves`."""

    def __init__(
        self,
        table: Table,
        *,
        clients: Clients,
        local: Backend,
        providers: Backend,
        snapshots: Snapshots,
        ledger: Ledger,
        health: ProviderHealth,
        memory: DoubtMemory,
        clock: Clock,
        observe: Observe,
        policy: RouterPolicy,
    ) -> None:
        self._table, self._clients, self._snapshots = table, clients, snapshots
        self._health, self._clock, self._policy = health, clock, policy
        self._notifier = RouteNotifier(table, observe)
        self.attempts = Attempts(
            local=local, providers=providers, ledger=ledger, health=health, clock=clock, policy=policy
        )
        self.escalation = Escalation(
            moves=self,
            attempts=self.attempts,
            notifier=self._notifier,
            memory=memory,
            health=health,
            clock=clock,
            observe=observe,
            policy=policy,
        )

    def take(self, policy: RouterPolicy) -> None:
        """From now on this is the policy."""
        self._policy = self.attempts.policy = self.escalation.policy = policy

    def look(self, request: RoutedRequest, now: float) -> None:
        """Act on the deadline of this request, or on the timeout of its attempt."""
        if request.deadline is not None and now >= request.deadline:
            self.end(request, _late(request))
            return
        for one in (request.attempt, request.draft):
            if one is not None and one.hold is not None and one.hold.is_due(now):
                self.escalation.due(one)
        if request.ended:
            return
        if request.tell_at is not None and now >= request.tell_at and request.accepted_at is not None:
            self._notifier.fallback(request)
        attempt = request.attempt
        limit = None if attempt is None or attempt.over else self.attempts.limit(attempt)
        if attempt is not None and limit is not None and now >= limit.at:
            self.attempts.stop(attempt)
            self.failed(attempt, limit.failure)
        elif limit is not None:
            self.look_at(request, limit.at)

    def look_at(self, request: RoutedRequest, when: float) -> None:
        """Have `look` called at this time."""
        self._table.look_at(request, when)
        self._clock.wake_at(when)

    def move(self, request: RoutedRequest, move: fallback_chain.Move) -> None:
        """Carry out what the chain decided."""
        match move:
            case Ask():
                self.ask(request, move)
            case _ if request.draft is not None:
                self.escalation.resume(request)
            case GiveUp(reasons, late):
                more = (_late(request),) if late else ()
                self._table.failed(request, (*reasons, *more) or (_nobody(),))
            case BreakOff(reason):
                self._table.interrupted(request, reason, self._timings(request))

    def ask(self, request: RoutedRequest, move: Ask) -> None:
        """Ask a candidate. Its attempt may have ended before this returns."""
        candidate = move.step.candidate
        if move.seam:
            self._notifier.seam(request, candidate)
        attempt = self.attempts.open(request, move)
        if self._notifier.asks(request, candidate):
            request.tell_at = self._clock.now() + TELL_AFTER
            self.look_at(request, request.tell_at)
        blocked = None if request.chain.plan.query.named else self._health.blocked(candidate)
        blocked = blocked or over_limit(candidate, request.chain.plan.query, request.known_cost)
        if blocked is not None:  # somebody else's failure or probe came first, or the money is spent
            self.failed(attempt, blocked)
            return
        sink = Hearing(attempt, self._clients, self._clock, self)
        if self.escalation.watch(attempt):
            sink = DoubtingHearing(attempt, self._clients, self._clock, self, self.escalation)
        self.attempts.ask(attempt, sink, seam=move.seam)
        if attempt.over:
            return
        limit = self.attempts.limit(attempt)
        if limit is not None:
            self.look_at(request, limit.at)

    def accept(self, request: RoutedRequest) -> None:
        """Accepted once; from then on the deadline runs."""
        if request.accepted_at is not None:
            return
        now = self._clock.now()
        self._table.accept(request, now)
        seconds = request.chat.deadline if request.chat.deadline is not None else self._policy.deadline
        if seconds is not None:
            request.chain = msgspec.structs.replace(request.chain, deadline=now + seconds)
            self.look_at(request, now + seconds)

    def begun(self, attempt: Attempt, now: float) -> None:
        """The first piece has come. Where it is reasoning, somebody else may still be asked after it."""
        request = attempt.request
        self.escalation.begins(attempt)
        if request.first_at is None:
            request.first_at = now
        self._notifier.started(attempt)

    def committed(self, attempt: Attempt, now: float) -> None:
        """The first content has come: from here on nobody else is asked instead."""
        request = attempt.request
        attempt.first_at = now
        self.escalation.commits(attempt)
        self._health.now = now
        self._health.answered(attempt.candidate, now - attempt.asked_at)
        self._meet(attempt)
        request.chain = fallback_chain.content(request.chain)

    def answered(self, attempt: Attempt, result: Answered) -> None:
        """The answer is complete: that ends the request, unless the answer is doubted."""
        request = attempt.request
        if not self.escalation.may_end(attempt, result):
            return
        if attempt.begun_at is None:
            self._notifier.started(attempt)  # of an empty answer, too, people see whose it is
        if attempt.first_at is None:
            self._health.released(attempt.candidate)
        self.attempts.close(attempt, ANSWERED)
        self._table.done(request, result, self._timings(request))

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The attempt has failed: go on along the chain."""
        request, now = attempt.request, self._clock.now()
        if attempt is request.draft:
            self.escalation.lost(attempt, failure)
            return
        attempt.let_go()
        self._health.now = now
        self._health.failed(attempt.candidate, failure)
        self.attempts.close(attempt, failure.code)
        if is_news(attempt.candidate, failure):
            request.failed += ((attempt.candidate, failure),)
        if failure.code == Code.MODEL_NOT_HERE:
            self._meet(attempt)
        self._notifier.failed(attempt, failure)
        if request.kept is None:
            request.chain = msgspec.structs.replace(request.chain, continuation=False)
        request.chain, move = fallback_chain.failed(request.chain, failure, now)
        self.escalation.other_failed(request)
        self.move(request, move)

    def end(self, request: RoutedRequest, failure: Failure | None) -> None:
        """End a request from this side: its client wants it (no failure), or time is up."""
        self.escalation.give_back(request)
        attempt = request.attempt
        if failure is not None and attempt is not None and attempt.result is not None:
            self.answered(attempt, attempt.result)
            return
        if attempt is not None and not attempt.over:
            attempt.let_go()
            self.attempts.stop(attempt)
            self._health.released(attempt.candidate)
            self.attempts.close(attempt, failure.code if failure is not None else CANCELLED)
        timings = self._timings(request)
        if failure is None:
            self._table.cancelled(request, timings)
        elif request.chain.committed:
            self._table.interrupted(request, failure, timings)
        else:
            self._table.failed(request, (*fallback_chain.reasons(request.chain), failure))

    def _meet(self, attempt: Attempt) -> None:
        """It is there: one that was merely looked for is missed from now on."""
        if not attempt.candidate.expected:
            self._snapshots.met(attempt.candidate.provider)

    def _timings(self, request: RoutedRequest) -> Timings:
        measured = request.attempt.measured if request.attempt is not None else None
        return request.timings(self._clock.now(), None if measured is None else measured.timings)


def _late(request: RoutedRequest) -> Failure:
    seconds = (request.deadline or 0.0) - request.begun_at
    return Failure(
        Code.DEADLINE_EXCEEDED,
        f"the deadline of {seconds:g} s passed",
        "allow more time: `deadline`",
        retryable=True,
    )


def _nobody() -> Failure:
    return Failure(Code.MODEL_NOT_FOUND, "nobody is set up to answer", "see: ai-pal route PROMPT")
