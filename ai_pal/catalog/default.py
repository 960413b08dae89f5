"""Which model of this machine answers where none is named."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ai_pal.catalog.entries import CATALOG
from ai_pal.config import Settings
from ai_pal.errors import AiPalError

if TYPE_CHECKING:
    from ai_pal.catalog.resolve import Found

STARTER = "smollm2"
"""Small enough to be fetched unasked: answers where nothing else is here."""


def choose_default(settings: Settings, find: Callable[[str], "Found"]) -> str:
    """The setting `model`; else `local.model` if that is here; else the largest known model that is here and
    that this machine can hold; else the starter."""
    if settings.model:
        return settings.model
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    largest = sorted(CATALOG.values(), key=lambda entry: entry.parameters, reverse=True)
    for name in (settings.local.model, *(entry.name for entry in largest)):
        try:
            found = find(name)
        except AiPalError:
            continue
        wanted = name == settings.local.model or (found.path and found.memory <= memory)
        if wanted and found.is_here and found.problem is None:
            return name
    return STARTER
