"""Figures as providers tell them. SDKs pass on whatever a server has sent; what is no count was not told."""

from ai_pal.protocol.usage import Usage

MOST_TOKENS = 1_000_000_000
"""More than any window, and as much as the ledger takes."""


def tokens(said: object) -> int:
    """A number of tokens; 0 for what is none: a text, a fraction, less than none, more than there can be."""
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    if not isinstance(said, int) or isinstance(said, bool):
        return 0
    return said if 0 <= said <= MOST_TOKENS else 0


def usage(prompt: object, cached: object, completion: object) -> Usage:
    """The usage of an answer, from what its provider says of it."""
    return Usage(tokens(prompt), min(tokens(cached), tokens(prompt)), tokens(completion))
