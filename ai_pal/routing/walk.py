"""The walk over a plan: what was asked, what became of it, what to do next. No step is taken twice."""

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.routing.news import is_news
from ai_pal.routing.plan import Plan, Step

FINAL = frozenset(
    {
        *(Code.BAD_REQUEST, Code.EMPTY_PROMPT, Code.INPUT_NOT_UTF8, Code.DUPLICATE_ID, Code.FRAME_TOO_LARGE),
        *(Code.DEADLINE_EXCEEDED, Code.SHUTTING_DOWN, Code.CLIENT_TOO_SLOW),
    }
)
"""Nobody else could do better with these: they are about the request or the supervisor."""


class Ask(msgspec.Struct, frozen=True):
    """Ask this one. With `seam` it goes on where another broke off."""

    step: Step
    seam: bool = False


class GiveUp(msgspec.Struct, frozen=True):
    """No answer: every reason, those of whom was not asked first, then in the order of the attempts.
    `late`: time is up, and others could have been asked."""

    reasons: tuple[Failure, ...]
    late: bool = False


class BreakOff(msgspec.Struct, frozen=True):
    """The answer ends in its middle."""

    reason: Failure


Move = Ask | GiveUp | BreakOff


class Walk(msgspec.Struct, frozen=True):
    """`taken` counts the steps that are behind, `failures` are theirs. `committed`: content has come.
    `deadline` is the one for everything together, None for none."""

    plan: Plan
    deadline: float | None = None
    continuation: bool = False
    taken: int = 0
    failures: tuple[Failure, ...] = ()
    committed: bool = False
    continued: bool = False

    @property
    def left(self) -> tuple[Step, ...]:
        """The steps that may still come."""
        return self.plan.steps[self.taken :]

    @property
    def has_others(self) -> bool:
        """Whether somebody else could be asked if the present one takes too long."""
        return any(step.only_after is None for step in self.left)


def begin(walk: Walk) -> tuple[Walk, Ask | GiveUp]:
    """The first step of a new walk."""
    if not walk.plan.steps:
        return walk, GiveUp(reasons(walk))
    return _taken(walk, 0), Ask(walk.plan.steps[0])


def content(walk: Walk) -> Walk:
    """The first content is there: from here on nobody else answers in silence."""
    return msgspec.structs.replace(walk, committed=True)


def failed(walk: Walk, failure: Failure, now: float) -> tuple[Walk, Move]:
    """The one who was asked last has failed."""
    if is_news(walk.plan.steps[walk.taken - 1].candidate, failure):
        walk = msgspec.structs.replace(walk, failures=(*walk.failures, failure))
    late = walk.deadline is not None and now >= walk.deadline
    if walk.committed:
        return _go_on(walk, failure, final=late or failure.code in FINAL)
    number = None if failure.code in FINAL else _next(walk, failure)
    if number is None or late:
        return walk, GiveUp(reasons(walk), late=number is not None)
    return _taken(walk, number), Ask(walk.plan.steps[number])


def reasons(walk: Walk) -> tuple[Failure, ...]:
    """Why there is no answer, as far as is known."""
    ruled_out = (out.failure for out in walk.plan.ruled_out if is_news(out.candidate, out.failure))
    return (*ruled_out, *walk.failures)


def _go_on(walk: Walk, failure: Failure, *, final: bool) -> tuple[Walk, Ask | BreakOff]:
    """One more candidate may go on with an answer that broke off, if that was asked for."""
    if walk.continuation and not walk.continued and not final:
        for number, step in enumerate(walk.left, walk.taken):
            if step.candidate.prefills:
                return msgspec.structs.replace(_taken(walk, number), continued=True), Ask(step, seam=True)
    return walk, BreakOff(failure)


def _next(walk: Walk, failure: Failure) -> int | None:
    """The number of the step that may follow such a failure."""
    for number, step in enumerate(walk.left, walk.taken):
        if step.only_after is None or failure.code in step.only_after:
            return number
    return None


def _taken(walk: Walk, number: int) -> Walk:
    return msgspec.structs.replace(walk, taken=number + 1)
