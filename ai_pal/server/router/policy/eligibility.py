"""Why a candidate is not asked at all."""

import msgspec

from ai_pal import privacy
from ai_pal.catalog.references.patterns import matches
from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.providers.dollars import dollars
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, MACHINE, Candidate
from ai_pal.server.router.policy.query import Query

STANDING = frozenset({Code.NO_KEY, Code.NO_CONSENT, Code.LOCAL_ONLY, Code.SDK_MISSING, Code.UNSUPPORTED})
"""Reasons that do not pass by themselves: one with these is none that could be asked this."""

NOT_ASKED = Failure(
    Code.NO_FALLBACK, "not asked: only the first may be", "let others be asked too: `fallback`"
)


def objection(candidate: Candidate, query: Query, *, insisted: bool = False) -> Failure | None:
    """Why this candidate cannot be asked this, or None. With `insisted` the user has named it, so that an
    open breaker does not hold: asking is its probe."""
    if not permitted(candidate, query):
        # Nothing is said of who it is: to this asker it is as if it were not there.
        hint = "name one that may be asked: `model`"
        return Failure(Code.MODEL_NOT_FOUND, "no model that may be asked here can answer", hint)
    if query.private and candidate.remote:
        message = f"{candidate.provider} is not on this machine, and the request is local-only"
        return Failure(Code.LOCAL_ONLY, message, privacy.HINT)
    if query.mine and candidate.remote and candidate.tier != MACHINE:
        message = f"{candidate.provider} is none of your machines, and the request is for those alone"
        return Failure(Code.LOCAL_ONLY, message, privacy.OTHERS_HINT)
    failure = candidate.failure
    if failure is not None and not (insisted and failure.code == Code.BREAKER_OPEN):
        return failure
    return candidate.lacks or _too_long(candidate, query) or _too_dear(candidate, query)


def permitted(candidate: Candidate, query: Query) -> bool:
    """Whether it is among those that may be asked."""
    return matches(query.only, candidate.name)


def over_limit(candidate: Candidate, query: Query, spent: float) -> Failure | None:
    """Why it cannot be asked any more after earlier attempts at this request have cost `spent`."""
    if not spent:
        return None
    max_cost, left = (
        None if limit is None else max(0.0, limit - spent) for limit in (query.max_cost, query.left)
    )
    failure = _too_dear(candidate, msgspec.structs.replace(query, max_cost=max_cost, left=left))
    if failure is None:
        return None
    before = f"{failure.message} after {dollars(spent)} for earlier attempts"
    return msgspec.structs.replace(failure, message=before)


def trims(candidate: Candidate, query: Query) -> bool:
    """Whether it would leave out the oldest turns: the worker says so, other servers cut in silence."""
    return candidate.tier == LOCAL and _exceeds(candidate, query)


def refuses(candidate: Candidate, query: Query) -> bool:
    """Whether it would refuse the prompt, with all turns left out that can be: as it has been estimated."""
    return candidate.tier == LOCAL and 0 < candidate.window < query.kept_tokens


def _exceeds(candidate: Candidate, query: Query) -> bool:
    return 0 < candidate.window < query.prompt_tokens


def _too_long(candidate: Candidate, query: Query) -> Failure | None:
    if candidate.tier == LOCAL or not _exceeds(candidate, query):
        return None
    tokens = counted(query.prompt_tokens, "token")
    message = f"the prompt has about {tokens}, {candidate.name} takes {candidate.window}"
    return Failure(Code.PROMPT_TOO_LARGE, message, "ask a model with a larger window, or send less")


def _too_dear(candidate: Candidate, query: Query) -> Failure | None:
    if candidate.tier != CLOUD:
        return None
    if query.unaccounted:
        message = f"there is a budget, and what was spent of it is not known: {query.unaccounted}"
        hint = "see what is wrong: ai-pal doctor; or take [budget] out of the settings"
        return Failure(Code.OVER_BUDGET, message, hint, retryable=True)
    limits = [limit for limit in (query.max_cost, query.left) if limit is not None]
    if not limits:
        return None
    if candidate.price is None:
        message = f"nobody knows what {candidate.name} costs, and there is a limit"
        return Failure(Code.OVER_BUDGET, message, f'give its price: [prices."{candidate.name}"]')
    cost = candidate.price.expected(query.prompt_tokens, query.answer_tokens)
    if cost <= min(limits):
        return None
    if query.max_cost is not None and cost > query.max_cost:
        message = f"{candidate.name} would cost about {dollars(cost)}, the limit is {dollars(query.max_cost)}"
        return Failure(Code.OVER_BUDGET, message, "allow more: `max_cost`")
    left = max(0.0, min(limits))
    message = f"{candidate.name} would cost about {dollars(cost)}, the budget has {dollars(left)} left"
    hint = "wait, or raise `day` or `month` in [budget]"
    if query.whose:
        hint = f"it is the day's budget of {query.whose}: wait for tomorrow, or ask a model of this machine"
    return Failure(Code.OVER_BUDGET, message, hint, retryable=True)
