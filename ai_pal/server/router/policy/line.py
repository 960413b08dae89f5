"""The dim line of a fallback: who failed and why, and who is asked now."""

from collections.abc import Sequence

from ai_pal.errors import NOBODY_THERE, Code, Failure
from ai_pal.server.router.policy.candidate import Candidate
from ai_pal.server.router.policy.eligibility import STANDING
from ai_pal.server.router.policy.news import is_news
from ai_pal.server.router.policy.plan import Plan

ARROW = " -> "
"""Between those who were asked one after the other."""

MEMORY = "insufficient memory: "
_QUIET = STANDING | {Code.NO_FALLBACK}


def fallback(failed: Sequence[tuple[Candidate, Failure]], following: Candidate) -> str:
    """`phi-2: insufficient memory (...) -> ollama: connection refused -> openai:gpt-3.5-turbo`."""
    return ARROW.join([*(part(candidate, failure) for candidate, failure in failed), following.name])


def alone(failed: Sequence[tuple[Candidate, Failure]]) -> str:
    """The same where nobody follows: `phi-2 was unsure (0.81) -> openai: connection refused`."""
    return ARROW.join(part(candidate, failure) for candidate, failure in failed)


def part(candidate: Candidate, failure: Failure) -> str:
    """One who failed: by its provider's name where that is what could not be reached."""
    name = candidate.provider if failure.code in NOBODY_THERE else candidate.name
    if failure.code == Code.UNSURE:
        return f"{name} {failure.message}"
    message = failure.message
    named, provider = candidate.name, candidate.provider
    for known in (f"{named}: ", f"{named} ", f"{provider} could not be reached: ", f"{provider} "):
        message = message.removeprefix(known)
    if message.startswith(MEMORY):
        figures = message.removeprefix(MEMORY).removeprefix(f"{candidate.model} ")
        message = f"insufficient memory ({figures.replace(' is free', ' free')})"
    return f"{name}: {message}"


def passed_over(plan: Plan, step: int) -> list[tuple[Candidate, Failure]]:
    """Whom the user would have expected before step `step`, but for how things stand just now."""
    return [
        (out.candidate, out.failure)
        for out in plan.ruled_out
        if out.before == step and out.failure.code not in _QUIET and is_news(out.candidate, out.failure)
    ]


def blind(candidate: Candidate) -> str:
    """That nothing is known of a model's doubts, though somebody counts on them."""
    name = candidate.model
    return f"{name} is not known to tell when it is wrong, so its answer stands: ai-pal calibrate {name}"
