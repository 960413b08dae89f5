"""In which order candidates are preferred, and why each stands where it does."""

from collections.abc import Sequence
from enum import StrEnum

from ai_pal.server.router.policy.candidate import BUSY, CLOUD, LOCAL, MACHINE, OLLAMA, Candidate
from ai_pal.server.router.policy.query import SIMPLE, Query
from ai_pal.store.ledger import HARD

SLOW_FACTOR, SLOW_SECONDS = 3.0, 1.0
"""A cloud stands behind the others of its grade when its first content takes so many times as long as the
quickest, and so many seconds more."""

LOADED, LOADING, SERVER, DOWNLOAD = 0.5, 5.0, 1.0, 600.0
"""Seconds to the first content to expect where nothing has been learned."""


class Reason(StrEnum):
    """Why a candidate has its place."""

    SUITS = "suits"
    NEXT = "next"
    PRIVATE = "private"
    MINE = "mine"
    MACHINE = "machine"
    NO_CLOUD = "no_cloud"
    CHEAP = "cheap"
    FAST = "fast"
    STRONG = "strong"
    QUICKER = "quicker"
    SLOW = "slow"
    TRIMS = "trims"
    REFUSES = "refuses"
    FETCH = "fetch"
    NAMED = "named"
    TWIN = "twin"
    LAST_RESORT = "last_resort"
    DOUBTS = "doubts"
    LIKED = "liked"
    DISLIKED = "disliked"
    STRONGER = "stronger"


def in_words(reason: Reason, score: float) -> str:
    """The reason for people."""
    kind = "simple" if score < SIMPLE else "hard" if score > HARD else "medium"
    return {
        Reason.SUITS: f"a {kind} prompt ({score:.2f})",
        Reason.NEXT: "in case those before it fail",
        Reason.PRIVATE: "nothing may leave this machine",
        Reason.MINE: "nothing may leave your machines",
        Reason.MACHINE: f"a {kind} prompt ({score:.2f}), and no cloud may be asked",
        Reason.NO_CLOUD: "no cloud may be asked",
        Reason.CHEAP: "the cheapest",
        Reason.FAST: "the quickest to begin",
        Reason.STRONG: "the strongest",
        Reason.QUICKER: f"a {kind} prompt ({score:.2f}), and quicker to begin than others",
        Reason.SLOW: "slow to begin of late",
        Reason.TRIMS: "its window is too small: it would leave out the oldest turns",
        Reason.REFUSES: "its window is too small: it would refuse what is as long as this seems to be",
        Reason.FETCH: "it has to be downloaded first",
        Reason.NAMED: "named by you",
        Reason.TWIN: "the same model, should it not run here",
        Reason.LAST_RESORT: "nobody else is left",
        Reason.DOUBTS: f"a {kind} prompt ({score:.2f}); it knows when it is not sure",
        Reason.LIKED: f"a {kind} prompt ({score:.2f}); you called its answers to such prompts good",
        Reason.DISLIKED: "you called this machine's answers to such prompts bad",
        Reason.STRONGER: "the answer before was doubted",
    }[reason]


def preferred(query: Query, candidates: Sequence[Candidate], *, clouds: bool) -> list[Candidate]:
    """Everyone to be considered, best first. `clouds`: one of them at least could be asked."""
    here = [c for c in candidates if c.tier == LOCAL]  # its own model, then larger ones
    machines = [c for c in candidates if c.tier == MACHINE]
    ollama = [c for c in candidates if c.tier == OLLAMA]
    groups = _cloud_groups(query, candidates)
    away = [candidate for group in groups for candidate in group]
    if not clouds or query.private:
        if query.goal == "latency":
            return [*_quickest_first([*here, *machines, *ollama]), *away]
        return [*_near(query, here, machines), *ollama, *away]
    if query.goal in ("cost", "latency"):
        simple = query.goal == "cost" or query.score < SIMPLE
        everyone = [*here, *machines, *ollama, *away]
        everyone = everyone if simple else [*away, *ollama, *machines, *here]
        return _cheapest_first(query, everyone) if query.goal == "cost" else _quickest_first(everyone)
    if query.stronger or query.goal == "quality":
        return [*away, *ollama, *machines, *here]
    if query.opinion == "bad":
        return [*away, *ollama, *machines, *here]
    if query.score < SIMPLE:
        return [*here, *machines, *ollama, *away]
    if (query.doubts or query.opinion == "good") and query.score <= HARD:
        return [*here, *away, *ollama, *machines]
    return [*away, *ollama, *machines, *here]


def _near(query: Query, here: list[Candidate], machines: list[Candidate]) -> list[Candidate]:
    """This machine and the user's others, where no cloud may be asked: what is not simple is rather for
    another machine, which was added to answer, unless requests wait for it already."""
    simple = query.score < SIMPLE and query.goal != "quality" and not query.stronger
    if query.private or simple or query.doubts:
        return [*here, *machines]
    free = [machine for machine in machines if machine.state != BUSY]
    return [*free, *here, *(machine for machine in machines if machine.state == BUSY)]


def expected_seconds(candidate: Candidate) -> float:
    """Until the first content: as learned, else what is usual for its kind."""
    if candidate.seconds is not None:
        return candidate.seconds
    if candidate.tier == MACHINE:
        return SERVER if candidate.loaded else LOADING
    if candidate.tier != LOCAL:
        return SERVER
    return LOADED if candidate.loaded else DOWNLOAD if candidate.absent else LOADING


def is_slow(candidate: Candidate, group: Sequence[Candidate]) -> bool:
    """Whether it is much slower than the quickest of its group, as far as that is known."""
    known = [c.seconds for c in group if c.seconds is not None]
    if candidate.seconds is None or not known:
        return False
    quickest = min(known)
    return candidate.seconds > max(quickest * SLOW_FACTOR, quickest + SLOW_SECONDS)


def _cloud_groups(query: Query, candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """The clouds by grade, the slow ones of each behind the others; each cloud once."""
    groups: list[list[Candidate]] = []
    taken: set[str] = set()
    for grade in query.grades:
        group = [c for c in candidates if c.tier == CLOUD and grade in c.grades and c.name not in taken]
        taken |= {candidate.name for candidate in group}
        slow = [c for c in group if query.goal == "balanced" and is_slow(c, group)]
        groups.append([*(c for c in group if c not in slow), *slow])
    return groups


def _cheapest_first(query: Query, candidates: list[Candidate]) -> list[Candidate]:
    def cost(candidate: Candidate) -> float:
        if candidate.price is None:
            return float("inf")
        return candidate.price.expected(query.prompt_tokens, query.answer_tokens)

    return sorted(candidates, key=cost)


def _quickest_first(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=expected_seconds)
