"""The router actor: decides who answers, and keeps its word when somebody does not.

A synchronous reactor like the supervisor below it. It stands between the client endpoint and whoever answers:
each request is a fallback chain along a plan, each step of it an attempt: a job of the candidate's backend,
whose sink passes on what it hears under the client's own id.
"""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings
from ai_pal.server.jobs import Answered, Backend
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.attempts import ANSWERED, CANCELLED, Attempts
from ai_pal.server.router.escalation import Escalation
from ai_pal.server.router.hearing import DoubtingHearing, Hearing
from ai_pal.server.router.notifier import RouteNotifier
from ai_pal.server.router.planner import Planner
from ai_pal.server.router.policy import fallback_chain
from ai_pal.server.router.policy.breaker import BreakerPolicy
from ai_pal.server.router.policy.eligibility import over_limit
from ai_pal.server.router.policy.fallback_chain import Ask, BreakOff, FallbackChain, GiveUp
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.policy.news import is_news
from ai_pal.server.router.ports import DoubtMemory, Judge, Ledger, NoDoubts, RouterPolicy, Snapshots
from ai_pal.server.router.request import Attempt, RoutedRequest
from ai_pal.server.router.table import Table
from ai_pal.transport.sockets import Blob

TELL_AFTER = 1.0
"""Seconds after which a fallback is told of before anything has come of it."""


class Router:
    """See the module. Implements `hearing.Outcomes` and `escalation.Moves`."""

    def __init__(
        self,
        *,
        clients: Clients,
        local: Backend,
        providers: Backend,
        snapshots: Snapshots,
        ledger: Ledger,
        judge: Judge,
        clock: Clock,
        observe: Observe,
        policy: RouterPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        doubts: DoubtMemory | None = None,
    ) -> None:
        self._clients, self._clock, self._snapshots = clients, clock, snapshots
        self._policy = policy or RouterPolicy()
        self._health = ProviderHealth(breaker)
        self._closing = False
        self._interrupt_at: float | None = None
        memory = doubts or NoDoubts()
        self._planner = Planner(snapshots, judge, self._health, self._policy, memory)
        self._table = Table(clients, observe)
        self._notifier = RouteNotifier(self._table, observe)
        self._attempts = Attempts(
            local=local,
            providers=providers,
            ledger=ledger,
            health=self._health,
            clock=clock,
            policy=self._policy,
        )
        self._escalation = Escalation(
            moves=self,
            attempts=self._attempts,
            notifier=self._notifier,
            memory=memory,
            clock=clock,
            observe=observe,
            policy=self._policy,
        )

    def __len__(self) -> int:
        """How many requests are open."""
        return len(self._table)

    def take(self, policy: RouterPolicy) -> None:
        """From now on this is the policy."""
        self._policy = self._planner.policy = self._attempts.policy = self._escalation.policy = policy

    @property
    def attempts(self) -> int:
        """How many attempts are under way."""
        return len(self._attempts)

    def find(self, client: bytes, request_id: int) -> RoutedRequest | None:
        """An open request."""
        return self._table.find(client, request_id)

    # -- from clients --------------------------------------------------------------------------

    def chat(self, client: bytes, chat: wire.Chat, blobs: Sequence[Blob] = ()) -> None:
        """Take a request and begin with the first of its plan, or refuse it. Its id is free."""
        now = self._health.now = self._clock.now()
        if self._closing:
            self._clients.send(client, wire.Failed(chat.id, [CLOSING]))
            return
        own = 0.0 if chat.day_budget is None else self._attempts.reserved_for(chat.principal)
        planned = self._planner.plan(chat, self._attempts.reserved, own)
        request = RoutedRequest(
            client=client,
            chat=chat,
            chain=FallbackChain(planned.plan, continuation=chat.continuation),
            score=planned.plan.query.score if planned.scored is not None else None,
            opened_at=now,
            kept=[] if chat.continuation else None,
            blobs=blobs,
        )
        self._table.add(request)
        escalate = chat.escalate or self._policy.escalate
        if escalate == "stronger":
            request.chain, move = fallback_chain.begin_stronger(request.chain)
        else:
            request.escalate = escalate
            request.chain, move = fallback_chain.begin(request.chain)
        self._move(request, move)

    def explain(self, request: wire.Route) -> wire.Routed:
        """What would be done with a request."""
        self._health.now = self._clock.now()
        return self._planner.explain(request, self._attempts.reserved)

    def rate(self, client: bytes, request_id: int, good: bool) -> bool:
        """What a client says of an answer that has ended: whether that taught anything."""
        return self._escalation.rate(client, request_id, good)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """Stop a request, for its client or for a `reason`. False: there is none with this id, or no more."""
        request = self._table.find(client, request_id)
        if request is not None:
            self._end(request, reason)
        return request is not None

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left: stop what it asked for. With a `failure` it is still there, and is told."""
        for request in self._table.of_client(client):
            self._end(request, failure)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let deadlines and timeouts run out, and ask for the next tick."""
        now = self._health.now = self._clock.now()
        for request in self._table.due(now):
            self._look(request, now)
        if self._interrupt_at is not None and now >= self._interrupt_at:
            self.interrupt_all()
        upcoming = self._table.next_look()
        if upcoming is not None:
            self._clock.wake_at(upcoming)

    def shutdown(self, drain: float) -> None:
        """Take nothing new, let what runs go on for `drain` seconds. The shortest that was said counts."""
        until = self._clock.now() + drain
        if not self._closing:
            self._closing, self._interrupt_at = True, until
        if self._interrupt_at is not None:
            self._interrupt_at = min(self._interrupt_at, until)
            self._clock.wake_at(self._interrupt_at)

    def interrupt_all(self) -> None:
        """End what still runs: the drain time is over."""
        self._interrupt_at = None
        for request in self._table:
            self._end(request, CLOSING)

    def _look(self, request: RoutedRequest, now: float) -> None:
        if request.deadline is not None and now >= request.deadline:
            self._end(request, _late(request))
            return
        for one in (request.attempt, request.draft):
            if one is not None and one.hold is not None and one.hold.is_due(now):
                one.let_go()
        if request.tell_at is not None and now >= request.tell_at and request.accepted_at is not None:
            self._notifier.fallback(request)
        attempt = request.attempt
        limit = None if attempt is None or attempt.over else self._attempts.limit(attempt)
        if attempt is not None and limit is not None and now >= limit.at:
            self._attempts.stop(attempt)
            self.failed(attempt, limit.failure)
        elif limit is not None:
            self.look_at(request, limit.at)

    def look_at(self, request: RoutedRequest, when: float) -> None:
        self._table.look_at(request, when)
        self._clock.wake_at(when)

    # -- decisions -----------------------------------------------------------------------------

    def _move(self, request: RoutedRequest, move: fallback_chain.Move) -> None:
        """Carry out what the chain decided."""
        match move:
            case Ask():
                self.ask(request, move)
            case _ if request.draft is not None:
                self._escalation.resume(request)
            case GiveUp(reasons, late):
                more = (_late(request),) if late else ()
                self._table.failed(request, (*reasons, *more) or (_nobody(),))
            case BreakOff(reason):
                self._table.interrupted(request, reason, self._timings(request))

    def ask(self, request: RoutedRequest, move: Ask) -> None:
        candidate = move.step.candidate
        if move.seam:
            self._notifier.seam(request, candidate)
        attempt = self._attempts.open(request, move)
        if self._notifier.asks(request, candidate):
            request.tell_at = self._clock.now() + TELL_AFTER
            self.look_at(request, request.tell_at)
        blocked = None if request.chain.plan.query.named else self._health.blocked(candidate)
        blocked = blocked or over_limit(candidate, request.chain.plan.query, request.known_cost)
        if blocked is not None:  # somebody else's failure or probe came first, or the money is spent
            self.failed(attempt, blocked)
            return
        sink = Hearing(attempt, self._clients, self._clock, self)
        if self._escalation.watch(attempt):
            sink = DoubtingHearing(attempt, self._clients, self._clock, self, self._escalation)
        self._attempts.ask(attempt, sink, seam=move.seam)
        if attempt.over:
            return
        limit = self._attempts.limit(attempt)
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
        """The first piece: its candidate is at work. Thoughts do not commit."""
        request = attempt.request
        self._escalation.begins(attempt)
        if request.first_at is None:
            request.first_at = now
        self._notifier.started(attempt)

    def committed(self, attempt: Attempt, now: float) -> None:
        """The first content: its candidate has the word now."""
        request = attempt.request
        attempt.first_at = now
        self._escalation.commits(attempt)
        self._health.now = now
        self._health.answered(attempt.candidate, now - attempt.asked_at)
        self._meet(attempt)
        request.chain = fallback_chain.content(request.chain)

    def answered(self, attempt: Attempt, result: Answered) -> None:
        request = attempt.request
        if not self._escalation.may_end(attempt, result):
            return
        if attempt.begun_at is None:
            self._notifier.started(attempt)  # of an empty answer, too, people see whose it is
        if attempt.first_at is None:
            self._health.released(attempt.candidate)
        self._attempts.close(attempt, ANSWERED)
        self._table.done(request, result, self._timings(request))

    def failed(self, attempt: Attempt, failure: Failure) -> None:
        """The attempt is over without a whole answer: on along the chain."""
        request, now = attempt.request, self._clock.now()
        if attempt is request.draft:
            self._escalation.lost(attempt, failure)
            return
        attempt.let_go()
        self._health.now = now
        self._health.failed(attempt.candidate, failure)
        self._attempts.close(attempt, failure.code)
        if is_news(attempt.candidate, failure):
            request.failed += ((attempt.candidate, failure),)
        if failure.code == Code.MODEL_NOT_HERE:
            self._meet(attempt)
        self._notifier.failed(attempt, failure)
        if request.kept is None:
            request.chain = msgspec.structs.replace(request.chain, continuation=False)
        request.chain, move = fallback_chain.failed(request.chain, failure, now)
        self._move(request, move)

    def _meet(self, attempt: Attempt) -> None:
        """It is there: one that was merely looked for is missed from now on."""
        if not attempt.candidate.expected:
            self._snapshots.met(attempt.candidate.provider)

    def _end(self, request: RoutedRequest, failure: Failure | None) -> None:
        """End a request from this side: its client wants it (no failure), or time is up."""
        self._escalation.give_back(request)
        attempt = request.attempt
        if failure is not None and attempt is not None and attempt.result is not None:
            self.answered(attempt, attempt.result)
            return
        if attempt is not None and not attempt.over:
            attempt.let_go()
            self._attempts.stop(attempt)
            self._health.released(attempt.candidate)
            self._attempts.close(attempt, failure.code if failure is not None else CANCELLED)
        timings = self._timings(request)
        if failure is None:
            self._table.cancelled(request, timings)
        elif request.chain.committed:
            self._table.interrupted(request, failure, timings)
        else:
            self._table.failed(request, (*fallback_chain.reasons(request.chain), failure))

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
