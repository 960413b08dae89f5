"""The window that a model of this machine is loaded with, as a part of its name: `NAME?context=N`."""

from ai_pal.catalog.references.finding import default_model
from ai_pal.catalog.references.text import join, split
from ai_pal.config import Settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.errors import Code, fail

OPTION = "context"


def with_window(reference: str, tokens: int, settings: Settings) -> str:
    """`reference` with a window of so many tokens; an empty one is the default model of this machine. Raises
    `AiPalError` (`bad_request`): a provider's model, whose window is not ours to set."""
    if elsewhere(reference, provider_names(settings)) is not None:
        message = f"a window of its own is for models of this machine: {reference} has its provider's window"
        fail(Code.BAD_REQUEST, message, "leave `context` out, or name a model that `ai-pal list` shows")
    name, options = split(reference or default_model(settings))
    return join(name, options | {OPTION: tokens})
