"""Who counts the tokens of a prompt: the model where it is loaded, else its vocabulary alone. Pure."""

from ai_pal.protocol import needs
from ai_pal.protocol import worker as inner
from ai_pal.server.pool.lifecycle import Phase

SEEN_BY_MODEL = {"images", "audio"}
"""How many tokens these are, only the part of the model says that takes them in."""


def by_vocabulary(count: inner.CountTokens, phase: Phase | None) -> bool:
    """Whether this is for the vocabulary of its model, whose own worker, if it has one, is in this phase."""
    if phase is Phase.READY:
        return False
    return SEEN_BY_MODEL.isdisjoint(needs.of_chat(count.messages, count.options))
