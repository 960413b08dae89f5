"""Attempts: each asks one candidate through its backend, can be cancelled, and becomes a row of the ledger.

Part of the router's reactor: synchronous, like everything there."""

import itertools
import time

import msgspec

from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.server.jobs import Backend, Job, Pull, Sink
from ai_pal.server.ports import Clock
from ai_pal.server.router import timeouts
from ai_pal.server.router.policy.candidate import CLOUD, Candidate
from ai_pal.server.router.policy.fallback_chain import Ask
from ai_pal.server.router.policy.health import ProviderHealth
from ai_pal.server.router.ports import Ledger, RouterPolicy
from ai_pal.server.router.request import Attempt, RoutedRequest, total
from ai_pal.store import ledger

ANSWERED, CANCELLED = ledger.ANSWERED, "cancelled"


class Attempts:
    """The attempts under way, by key. `policy` holds now."""

    def __init__(
        self,
        *,
        local: Backend,
        providers: Backend,
        ledger: Ledger,
        health: ProviderHealth,
        clock: Clock,
        policy: RouterPolicy,
    ) -> None:
        self._local, self._providers, self._ledger = local, providers, ledger
        self._health, self._clock, self.policy = health, clock, policy
        self._open: dict[int, Attempt] = {}
        self._keys = itertools.count(1)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def reserved(self) -> float:
        """US dollars that open attempts may still cost."""
        return sum(attempt.reserved for attempt in self._open.values())

    def reserved_for(self, principal: str) -> float:
        """The same of this principal alone."""
        mine = (one for one in self._open.values() if one.request.chat.principal == principal)
        return sum(attempt.reserved for attempt in mine)

    def open(self, request: RoutedRequest, move: Ask) -> Attempt:
        """Create an attempt; its candidate is not asked yet."""
        now, candidate, query = self._clock.now(), move.step.candidate, request.chain.plan.query
        price = candidate.price
        expected = price.expected(query.prompt_tokens, query.answer_tokens) if price is not None else 0.0
        attempt = Attempt(
            key=next(self._keys),
            request=request,
            candidate=candidate,
            reason=move.step.reason,
            asked_at=now,
            moved_at=now,
            base=request.next_seq,
            base_index=request.next_index,
            places={} if move.seam else None,
            reserved=expected,
            prompt_tokens=query.prompt_tokens,
        )
        self._open[attempt.key] = request.attempt = attempt
        return attempt

    def ask(self, attempt: Attempt, sink: Sink, *, seam: bool) -> None:
        """Ask its candidate. It may end before this returns."""
        self._health.asked(attempt.candidate)
        attempt.sink = sink
        attempt.handle = self._backend(attempt).start(self._job(attempt, seam=seam), sink)

    def limit(self, attempt: Attempt) -> timeouts.Limit | None:
        """The timeout of its present phase; None where its backend watches the time itself."""
        if attempt.handle is None or self._backend(attempt).keeps_time:
            return None
        return timeouts.limit(attempt, attempt.handle.dispatched_at, self.policy)

    def stop(self, attempt: Attempt) -> None:
        """Cancel it; nothing more of it reaches the client."""
        attempt.stopped = True
        if attempt.handle is not None:
            attempt.handle.cancel()

    def _backend(self, attempt: Attempt) -> Backend:
        return self._local if attempt.candidate.server is None else self._providers

    def _job(self, attempt: Attempt, *, seam: bool) -> Job:
        request, candidate = attempt.request, attempt.candidate
        chat = request.chat
        said = request.said() if seam else ""
        messages = [*chat.messages, Message("assistant", said)] if said else chat.messages
        options = _shortened(chat.options, request.next_seq) if seam else chat.options
        if candidate.server is None and options.lora:
            options = msgspec.structs.replace(options, lora=[])  # the model's name says them
        return Job(
            work=inner.Generate(
                0,
                messages,
                _affordable(options, candidate, request),
                chat.conversation,
                attempt.watch is not None,
                attempt.probe,
            ),
            model=candidate.model,
            owner=request.client,
            principal=chat.principal,
            blobs=request.blobs,
            resolved=candidate.resolved,
            provider=candidate.server,
            private=request.private,
            mine=request.chain.plan.query.mine,
            keep_alive=chat.keep_alive,
            usual_keep_alive=chat.usual_keep_alive,
            pull=Pull(chat.pull_limit, chat.pip) if chat.pull else None,
            patience=timeouts.patience(candidate, request.chain, self.policy),
        )

    def close(self, attempt: Attempt, outcome: str) -> None:
        """Write it to the ledger, once: it has ended."""
        if attempt.over:
            return
        attempt.over = True
        del self._open[attempt.key]
        request, candidate, now = attempt.request, attempt.candidate, self._clock.now()
        went_out = attempt.went_out(outcome)
        request.away = request.away or went_out
        used = attempt.usage(outcome)
        cost = _cost(candidate, used)
        request.usage = total(request.usage, used)
        request.known_cost += cost or 0.0
        request.unpriced = request.unpriced or cost is None
        asked_at, dispatched_at = attempt.asked_at, attempt.connected_at
        self._ledger.record(
            ledger.Attempt(
                at=time.time(),
                request=f"{request.client.hex()}.{request.chat.id}",
                tier=candidate.tier,
                provider=candidate.provider,
                model=candidate.model,
                outcome=outcome,
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                cost=cost or 0.0,
                priced=cost is not None,
                queued=attempt.queued,
                connect=(dispatched_at - asked_at) if dispatched_at is not None else 0.0,
                first_token=(attempt.first_at - asked_at) if attempt.first_at is not None else 0.0,
                total=now - asked_at,
                score=request.score,
                remote=went_out,
                local_only=request.private,
                mine=request.chain.plan.query.mine,
                principal=request.chat.principal,
            )
        )


def _cost(candidate: Candidate, used: Usage) -> float | None:
    """US dollars; None: something, and nobody knows how much."""
    if candidate.tier != CLOUD or not (used.prompt_tokens or used.completion_tokens):
        return 0.0
    return None if candidate.price is None else candidate.price.of(used)


def _shortened(options: GenerationOptions, tokens: int) -> GenerationOptions:
    """What is left to say after so many tokens."""
    if options.max_tokens is None:
        return options
    return msgspec.structs.replace(options, max_tokens=max(1, options.max_tokens - tokens))


def _affordable(
    options: GenerationOptions, candidate: Candidate, request: RoutedRequest
) -> GenerationOptions:
    """With the answer no longer than the request's own limit pays for."""
    limit, price = request.chat.max_cost, candidate.price
    if limit is None or price is None:
        return options
    tokens = price.affordable(request.chain.plan.query.prompt_tokens, limit - request.known_cost)
    if tokens is None or (options.max_tokens is not None and options.max_tokens <= tokens):
        return options
    return msgspec.structs.replace(options, max_tokens=max(1, tokens))
