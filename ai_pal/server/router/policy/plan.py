"""The plan: whom to ask in which order, and why the others are not asked."""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, MACHINE, UNUSABLE, Candidate
from ai_pal.server.router.policy.eligibility import (
    NOT_ASKED,
    STANDING,
    objection,
    permitted,
    refuses,
    trims,
)
from ai_pal.server.router.policy.order import Reason, is_slow, preferred
from ai_pal.server.router.policy.query import SIMPLE, Query

CANNOT_RUN = frozenset(
    {
        *(Code.INSUFFICIENT_MEMORY, Code.ENGINE_MISSING, Code.MODEL_NOT_HERE, Code.MODEL_FAILED),
        *(Code.MODEL_INVALID, Code.MODEL_GATED, Code.LOAD_STALLED, Code.SPAWN_FAILED),
        *(Code.DIRECT_LOADING_OFF, Code.DOWNLOAD_FAILED, Code.OFFLINE, Code.DISK_FULL, Code.NO_NODE),
        Code.UNSUPPORTED,
    }
)
"""A named model of this machine is asked for elsewhere only when it cannot run here."""

AFTER_DOUBT = frozenset({Code.UNSURE})
"""A larger model of this machine is asked only then."""

HOPELESS = frozenset({Code.DIRECT_LOADING_OFF, Code.UNSUPPORTED, Code.LOCAL_ONLY})
"""This machine's own model is not asked all the same for these."""


class Step(msgspec.Struct, frozen=True):
    """A candidate to be asked. `only_after`: only when the one before failed in one of these ways."""

    candidate: Candidate
    reason: Reason
    only_after: frozenset[str] | None = None


class RuledOut(msgspec.Struct, frozen=True):
    """A candidate that is not asked. `before` counts the steps that it would have come after."""

    candidate: Candidate
    failure: Failure
    before: int = 0


class Plan(msgspec.Struct, frozen=True):
    """Whom to ask, in this order, and who is not asked."""

    query: Query
    steps: tuple[Step, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()


def plan(query: Query, candidates: Sequence[Candidate]) -> Plan:
    """The plan for `query`. Where it is `named`, `candidates` are the named one and its twin elsewhere."""
    objections = {
        candidate.name: objection(candidate, query, insisted=query.named and number == 0)
        for number, candidate in enumerate(candidates)
    }
    if query.named:
        return _finished(query, candidates, objections, _named(candidates, objections))
    clouds = any(c.tier == CLOUD and not _stands(objections[c.name]) for c in candidates)
    order = preferred(query, candidates, clouds=clouds)
    return _finished(query, order, objections, _routed(query, order, objections, clouds=clouds))


def _named(candidates: Sequence[Candidate], objections: dict[str, Failure | None]) -> list[Step]:
    steps = []
    for number, candidate in enumerate(candidates):
        if objections[candidate.name] is None:
            only_after = CANNOT_RUN if number else None
            steps.append(Step(candidate, Reason.TWIN if number else Reason.NAMED, only_after))
    return steps


def _routed(
    query: Query, order: list[Candidate], objections: dict[str, Failure | None], *, clouds: bool
) -> list[Step]:
    contenders = [c for c in order if not _stands(objections[c.name])]
    steps, last = [], []
    for candidate in contenders:
        if objections[candidate.name] is not None:
            continue
        if candidate.larger:
            steps.append(Step(candidate, Reason.STRONGER, AFTER_DOUBT))
        elif trims(candidate, query):
            last.append(Step(candidate, Reason.REFUSES if refuses(candidate, query) else Reason.TRIMS))
        elif candidate.absent:
            last.append(Step(candidate, Reason.FETCH))
        elif candidate is contenders[0]:
            steps.append(Step(candidate, _first(query, candidate, contenders, clouds=clouds)))
        else:
            steps.append(Step(candidate, _later(query, candidate, contenders)))
    return [*steps, *last]


def _first(query: Query, candidate: Candidate, contenders: list[Candidate], *, clouds: bool) -> Reason:
    if query.private:
        return Reason.PRIVATE
    if query.mine:
        return Reason.MINE
    by_goal = {"cost": Reason.CHEAP, "latency": Reason.FAST, "quality": Reason.STRONG}
    if query.goal == "latency" or (clouds and query.goal in by_goal):
        return by_goal[query.goal]
    if not clouds:
        return Reason.MACHINE if candidate.tier == MACHINE else Reason.NO_CLOUD
    if candidate.tier == LOCAL and query.score >= SIMPLE and (query.doubts or query.opinion):
        return Reason.DOUBTS if query.doubts else Reason.LIKED
    if query.opinion == "bad" and query.score < SIMPLE and candidate.tier != LOCAL and not query.stronger:
        return Reason.DISLIKED
    overtaken = any(_is_slow(query, other, contenders) for other in contenders)
    return Reason.QUICKER if overtaken and candidate.tier == CLOUD else Reason.SUITS


def _later(query: Query, candidate: Candidate, contenders: list[Candidate]) -> Reason:
    return Reason.SLOW if _is_slow(query, candidate, contenders) else Reason.NEXT


def _is_slow(query: Query, candidate: Candidate, contenders: list[Candidate]) -> bool:
    if query.goal != "balanced" or candidate.tier != CLOUD:
        return False
    return is_slow(candidate, [c for c in contenders if c.tier == CLOUD and c.grades & candidate.grades])


def _finished(
    query: Query, order: Sequence[Candidate], objections: dict[str, Failure | None], steps: list[Step]
) -> Plan:
    """With everyone who is not asked, and with this machine as the last resort where nobody is left."""
    if not steps:
        steps = _last_resort(query, order, objections)
    asked = steps if query.fallback else _only(steps)
    places = {step.candidate.name: number for number, step in enumerate(asked)}
    ruled_out, before = [], 0
    for candidate in order:
        if candidate.name in places:
            before = max(before, places[candidate.name] + 1)
            continue
        ruled_out.append(RuledOut(candidate, objections[candidate.name] or NOT_ASKED, before))
    return Plan(query, tuple(asked), tuple(ruled_out))


def _only(steps: list[Step]) -> list[Step]:
    """The one to be asked where nobody else is: rather none that may not be there at all."""
    return [step for step in steps if step.candidate.expected][:1] or steps[:1]


def _last_resort(
    query: Query, order: Sequence[Candidate], objections: dict[str, Failure | None]
) -> list[Step]:
    """This machine's own model after all, unless there is none: things may have changed, and its own
    refusal is the truth."""
    for candidate in order:
        failure = objections[candidate.name]
        if failure is None or failure.code in HOPELESS or candidate.state == UNUSABLE:
            continue
        if not permitted(candidate, query):
            continue
        if candidate.tier == LOCAL:
            return [Step(candidate, Reason.NAMED if query.named else Reason.LAST_RESORT)]
    return []


def advised(made: Plan, candidates: Sequence[Candidate]) -> Plan:
    """The plan, whose refusals of what somebody cannot do name one of these who can, and is there."""
    there = (one for one in candidates if one.expected and not one.absent)
    able = next((one for one in there if objection(one, made.query) is None), None)
    if able is None:
        return made
    hint = f"{able.name} can: `model`={able.name}"
    ruled_out = [
        msgspec.structs.replace(out, failure=msgspec.structs.replace(out.failure, hint=hint))
        if out.failure.code == Code.UNSUPPORTED
        else out
        for out in made.ruled_out
    ]
    return msgspec.structs.replace(made, ruled_out=tuple(ruled_out))


def _stands(failure: Failure | None) -> bool:
    return failure is not None and failure.code in STANDING
