"""How hard a prompt is, from 0 (a small local model will do) to 1 (it takes a strong one), by its text alone:
a linear model over features and word weights (docs/complexity.md)."""

from ai_pal.protocol.content import Message
from ai_pal.server.router.complexity.conversation import blend
from ai_pal.server.router.complexity.linear import judge
from ai_pal.server.router.complexity.scored import Feature, Scored

__all__ = ["Feature", "Scored", "explain", "score"]


def score(messages: list[Message] | str) -> float:
    """How hard it is to answer this prompt or the last turn of this conversation: 0 (easy) to 1 (hard).

    Deterministic. Reads its table from the package at the first call, and nothing after that.
    """
    return explain(messages).score


def explain(messages: list[Message] | str) -> Scored:
    """The score, and the features that moved it most: positive weights (in log-odds) made it harder."""
    return judge(messages) if isinstance(messages, str) else blend(messages, judge)
