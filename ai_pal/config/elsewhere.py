"""Model references that name a provider: `openai:gpt-4.1`, `ollama:phi`. All others are this machine's."""

from collections.abc import Container
from typing import NamedTuple


class Elsewhere(NamedTuple):
    """A model of a provider."""

    provider: str
    model: str


def elsewhere(reference: str, providers: Container[str]) -> Elsewhere | None:
    """The provider and its model, or None for a model of this machine. A provider's name wins over a model of
    the same name with a variant, `phi-2:4bit`; what follows it is that provider's own affair, with slashes,
    colons and all. Blanks around either come from copying, and belong to neither."""
    provider, colon, model = (part.strip() for part in reference.partition(":"))
    if colon and model and provider in providers:
        return Elsewhere(provider, model)
    return None
