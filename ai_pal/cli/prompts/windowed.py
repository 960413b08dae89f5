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
    from ai_pal.catalog import split
    from ai_pal.catalog.references.window import with_window
    from ai_pal.config.clouds import provider_names
    from ai_pal.config.elsewhere import elsewhere

    if tokens is not None:
        reference = with_window(reference, tokens, settings)
    elif elsewhere(reference, provider_names(settings)) is not None:
        return reference
    _check(reference, *split(reference), settings)
    return reference


def _check(reference: str, name: str, options: dict[str, Any], settings: Settings) -> None:
    from ai_pal.catalog import resolve
    from ai_pal.catalog.references.loading import check_numbers
    from ai_pal.memory.estimates import window_of

    check_numbers(options, Code.BAD_REQUEST)
    seen = None
    with contextlib.suppress(AiPalError, OSError, ValueError):  # what else is wrong, its load will tell
        seen = window_of(resolve(reference, settings))
    if seen is not None and 0 < seen.trained < (asked := options.get(OPTION, 0)):
        message = f"a context of {asked} tokens is larger than that of {name}, {seen.trained}"
        fail(Code.BAD_REQUEST, message, f"ask for at most {seen.trained}, or leave it out")
