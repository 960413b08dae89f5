"""The router actor: decides who answers a request, and asks the next candidate when one fails.

A synchronous reactor like the supervisor below it. It stands between the client endpoint and whoever answers:
each request is a fallback chain along a plan, each step of it an attempt: a job of the candidate's backend,
whose sink passes on what it hears under the client's own id.
"""

from collections.abc import Sequence

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.server.jobs import Backend
from ai_pal.server.pool.failures import CLOSING
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.router.chains import Chains
from ai_pal.server.router.planner import Planner
from ai_pal.server.router.policy import fallback_chain
from ai_pal.server.router.policy.fallback_chain import FallbackChain
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.ports import DoubtMemory, Judge, Ledger, NoDoubts, RouterPolicy, Snapshots
from ai_pal.server.router.request import RoutedRequest
from ai_pal.server.router.table import Table
from ai_pal.transport.sockets import Blob


class Router:
    """See the module."""

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
        doubts: DoubtMemory | None = None,
    ) -> None:
        self._clients, self._clock = clients, clock
        self._policy = policy or RouterPolicy()
        self._health = ProviderHealth()
        self._closing = False
        self._interrupt_at: float | None = None
        memory = doubts or NoDoubts()
        self._planner = Planner(snapshots, judge, self._health, self._policy, memory)
        self._table = Table(clients, observe)
        self._chains = Chains(
            self._table,
            clients=clients,
            local=local,
            providers=providers,
            snapshots=snapshots,
            ledger=ledger,
            health=self._health,
            memory=memory,
            clock=clock,
            observe=observe,
            policy=self._policy,
        )
        self._attempts, self._escalation = self._chains.attempts, self._chains.escalation

    def __len__(self) -> int:
        """How many requests are open."""
        return len(self._table)

    def take(self, policy: RouterPolicy) -> None:
        """Replace the policy, for requests that come from now on."""
        self._policy = self._planner.policy = policy
        self._chains.take(policy)

    @property
    def attempts(self) -> int:
        """How many attempts are open."""
        return len(self._attempts)

    def find(self, client: bytes, request_id: int) -> RoutedRequest | None:
        """An open request."""
        return self._table.find(client, request_id)

    # -- from clients --------------------------------------------------------------------------

    def chat(self, client: bytes, chat: wire.Chat, blobs: Sequence[Blob] = ()) -> None:
        """Accept a request and ask the first candidate of its plan, or refuse it. The caller has checked that
        its id is free."""
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
        self._chains.move(request, move)

    def explain(self, request: wire.Route) -> wire.Routed:
        """The plan that this request would get; nobody is asked."""
        self._health.now = self._clock.now()
        return self._planner.explain(request, self._attempts.reserved)

    def rate(self, client: bytes, request_id: int, good: bool) -> bool:
        """What a client says of an answer that has ended: whether that taught anything."""
        return self._escalation.rate(client, request_id, good)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """Stop a request, for its client or for a `reason`. False: there is none with this id, or no more."""
        request = self._table.find(client, request_id)
        if request is not None:
            self._chains.end(request, reason)
        return request is not None

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left: stop what it asked for. With a `failure` it is still there, and is told."""
        for request in self._table.of_client(client):
            self._chains.end(request, failure)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Act on deadlines and timeouts that have passed, and ask for the next tick."""
        now = self._health.now = self._clock.now()
        for request in self._table.due(now):
            self._chains.look(request, now)
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
            self._chains.end(request, CLOSING)
