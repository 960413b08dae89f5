"""The window that a model of this machine is loaded with: `--context N`, or `NAME?context=N`."""

import contextlib
from typing import Any

from ai_pal.config import Settings
from ai_pal.errors import AiPalError, Code, fail

OPTION = "context"


def windowed(reference: str, tokens: int | None, settings: Settings) -> str:
    """`reference` with a window of so many tokens, None for the one that it names itself, if it does; an
    empty one is the default model of this machine.

    Raises `AiPalError` (`bad_request`): a provider's model, whose window is not ours to set; a window that
    cannot be, or is larger than what the model was made for."""
    if tokens is None and f"{OPTION}=" not in reference:
        return reference
    from ai_pal.catalog import default_model, join, split
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    if elsewhere(reference, provider_names(settings)) is not None:
        if tokens is None:
            return reference
        message = f"--context is for models of this machine: {reference} has its provider's window"
        fail(Code.BAD_REQUEST, message, "leave --context out, or name a model that `ai-pal list` shows")
    name, options = split(reference or default_model(settings))
    options |= {} if tokens is None else {OPTION: tokens}
    found = join(name, options)
    _check(found, name, options, settings)
    return found


def _check(reference: str, name: str, options: dict[str, Any], settings: Settings) -> None:
    from ai_pal.catalog import resolve
    from ai_pal.catalog.loading import check_numbers
    from ai_pal.memory.estimates import window_of

    check_numbers(options, Code.BAD_REQUEST)
    seen = None
    with contextlib.suppress(AiPalError, OSError, ValueError):  # what else is wrong, its load will tell
        seen = window_of(resolve(reference, settings))
    if seen is not None and 0 < seen.trained < (asked := options.get(OPTION, 0)):
        message = f"a context of {asked} tokens is larger than that of {name}, {seen.trained}"
        fail(Code.BAD_REQUEST, message, f"ask for at most {seen.trained}, or leave it out")
