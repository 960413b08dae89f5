"""`--context N`: the window that a model of this machine is loaded with."""

from ai_pal.config import Settings
from ai_pal.errors import Code, fail


def windowed(reference: str, tokens: int | None, settings: Settings) -> str:
    """`reference` with a window of so many tokens; an empty one is the default model of this machine.

    Raises `AiPalError` (`bad_request`) for a provider's model: its window is not ours to set."""
    if tokens is None:
        return reference
    from ai_pal.catalog import default_model, join, split
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    if elsewhere(reference, provider_names(settings)) is not None:
        message = f"--context is for models of this machine: {reference} has its provider's window"
        fail(Code.BAD_REQUEST, message, "leave --context out, or name a model that `ai-pal list` shows")
    name, options = split(reference or default_model(settings))
    return join(name, options | {"context": tokens})
