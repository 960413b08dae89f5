"""The fallback chain: who of a plan was asked, what came of it, who is next. No step is taken twice."""

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.server.router.policy.candidate import CLOUD, LOCAL, MACHINE, OLLAMA
from ai_pal.server.router.policy.news import is_news
from ai_pal.server.router.policy.order import Reason
from ai_pal.server.router.policy.plan import Plan, Step

FINAL = frozenset(
    {
        *(Code.BAD_REQUEST, Code.EMPTY_PROMPT, Code.INPUT_NOT_UTF8, Code.DUPLICATE_ID, Code.FRAME_TOO_LARGE),
        *(Code.DEADLINE_EXCEEDED, Code.SHUTTING_DOWN, Code.CLIENT_TOO_SLOW),
    }
)
"""Nobody else could do better with these: they are about the request or the supervisor."""

BY_KNOWLEDGE = (CLOUD, LOCAL, MACHINE, OLLAMA)
"""In which order tiers are asked for a doubted answer."""

NOBODY_STRONGER = Failure(
    Code.NO_FALLBACK,
    "nobody who may know better may be asked",
    "see who could be asked, and what they lack: ai-pal route PROMPT",
)


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


class FallbackChain(msgspec.Struct, frozen=True):
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


def begin(chain: FallbackChain) -> tuple[FallbackChain, Ask | GiveUp]:
    """The first step of a new chain."""
    if not chain.plan.steps:
        return chain, GiveUp(reasons(chain))
    return _taken(chain, 0), Ask(chain.plan.steps[0])


def begin_stronger(chain: FallbackChain) -> tuple[FallbackChain, Ask | GiveUp]:
    """The first step where this machine's own model is doubted beforehand."""
    found = stronger(chain)
    if found is None:
        return chain, GiveUp((NOBODY_STRONGER, *reasons(chain)))
    return found


def content(chain: FallbackChain) -> FallbackChain:
    """The first content is there: from here on nobody else answers in silence."""
    return msgspec.structs.replace(chain, committed=True)


def failed(chain: FallbackChain, failure: Failure, now: float) -> tuple[FallbackChain, Move]:
    """The one who was asked last has failed."""
    if is_news(chain.plan.steps[chain.taken - 1].candidate, failure):
        chain = msgspec.structs.replace(chain, failures=(*chain.failures, failure))
    late = chain.deadline is not None and now >= chain.deadline
    if chain.committed:
        return _go_on(chain, failure, final=late or failure.code in FINAL)
    number = None if failure.code in FINAL else _next(chain, failure)
    if number is None or late:
        return chain, GiveUp(reasons(chain), late=number is not None)
    return _taken(chain, number), Ask(chain.plan.steps[number])


def stronger(chain: FallbackChain) -> tuple[FallbackChain, Ask] | None:
    """The next of the same plan who may know better than a model here that doubts its answer: clouds first,
    then a larger model of this machine, another machine of the user's, an Ollama that is there; the others
    follow if that one fails. None: the plan has nobody. Nobody else is ever asked, whatever could be."""
    able = [step for step in chain.left if step.candidate.expected and _is_for_doubts(step)]
    if not able:
        return None
    able.sort(key=lambda step: BY_KNOWLEDGE.index(step.candidate.tier))
    rest = [msgspec.structs.replace(step, reason=Reason.STRONGER, only_after=None) for step in able]
    plan = msgspec.structs.replace(chain.plan, steps=(*chain.plan.steps[: chain.taken], *rest))
    chain = msgspec.structs.replace(chain, plan=plan, committed=False)
    return _taken(chain, chain.taken), Ask(rest[0])


def _is_for_doubts(step: Step) -> bool:
    if step.only_after is not None:
        return Code.UNSURE in step.only_after
    return step.candidate.tier != LOCAL  # this machine's own model is who doubts


def reasons(chain: FallbackChain) -> tuple[Failure, ...]:
    """Why there is no answer, as far as is known: not what an Ollama never seen could not do either."""
    told = [out for out in chain.plan.ruled_out if is_news(out.candidate, out.failure)]
    met = [out.failure for out in told if out.candidate.expected]
    return (*met, *chain.failures) or tuple(out.failure for out in told)


def _go_on(chain: FallbackChain, failure: Failure, *, final: bool) -> tuple[FallbackChain, Ask | BreakOff]:
    """One more candidate may go on with an answer that broke off, if that was asked for."""
    if chain.continuation and not chain.continued and not final:
        for number, step in enumerate(chain.left, chain.taken):
            if step.candidate.prefills:
                return msgspec.structs.replace(_taken(chain, number), continued=True), Ask(step, seam=True)
    return chain, BreakOff(failure)


def _next(chain: FallbackChain, failure: Failure) -> int | None:
    """The number of the step that may follow such a failure."""
    for number, step in enumerate(chain.left, chain.taken):
        if step.only_after is None or failure.code in step.only_after:
            return number
    return None


def _taken(chain: FallbackChain, number: int) -> FallbackChain:
    return msgspec.structs.replace(chain, taken=number + 1)
