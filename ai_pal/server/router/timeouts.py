"""When an attempt has taken too long, while somebody else could be asked. Pure.

Loads that stall and engines that hang are the supervisor's; what is elsewhere is timed beside its socket."""

from typing import NamedTuple

from ai_pal.errors import Code, Failure
from ai_pal.server.jobs import USUAL_PATIENCE, Patience
from ai_pal.server.router.policy.candidate import MACHINE, OLLAMA, Candidate
from ai_pal.server.router.policy.fallback_chain import FallbackChain
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.server.router.request import Attempt

SILENCE = 300.0
"""Seconds without a sign of life for an Ollama that nobody stands behind: it may have to load the model."""


class Limit(NamedTuple):
    """When, and what is said then."""

    at: float
    failure: Failure


def limit(attempt: Attempt, dispatched_at: float | None, policy: RouterPolicy) -> Limit | None:
    """The limit of an attempt's present phase; None where there is none: content has come, nobody behind."""
    request = attempt.request
    chain = request.chain
    if attempt.first_at is not None or not chain.has_others or chain.committed:
        return None
    name = attempt.candidate.name
    if dispatched_at is None:
        message = f"{name}: the queue did not move for {policy.queue:g} s"
        return Limit(attempt.moved_at + policy.queue, Failure(Code.QUEUE_TIMEOUT, message, retryable=True))
    message = f"{name}: nothing came for {policy.first_token:g} s"
    moved_at = max(dispatched_at, attempt.moved_at)  # a prompt that is being read moves
    return Limit(moved_at + policy.first_token, Failure(Code.FIRST_TOKEN_TIMEOUT, message, retryable=True))


def patience(candidate: Candidate, chain: FallbackChain, policy: RouterPolicy) -> Patience:
    """What one gets who keeps time itself. An Ollama or another machine that is the last is waited for as a
    model here would be: its signs of life prolong it."""
    if candidate.server is None:
        return USUAL_PATIENCE
    patient = candidate.tier in (OLLAMA, MACHINE) and not chain.has_others
    first_token = max(policy.first_token, SILENCE) if patient else policy.first_token
    return Patience(policy.connect, first_token, policy.gap, patient)
