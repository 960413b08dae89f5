"""What a model that is asked by its name can do, as far as that is known before it is asked."""

from contextlib import suppress
from typing import Literal

from ai_pal.catalog.inventory.details import Details
from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.gateway.asking import facts, presets
from ai_pal.gateway.asking.askable import one_of


async def can(client: AsyncClient, model: str, what: Literal["thinking", "tools"]) -> bool:
    """Whether it can do this. That a model is not there the question itself says, so nothing speaks against
    it."""
    try:
        known = await _known(client, model)
    except AiPalError:
        return True
    untold = not known.format and (known.able is None or what in known.able)  # no file tells of it
    return untold or what in known.strengths


async def _known(client: AsyncClient, model: str) -> Details:
    """Of one on this machine no provider is heard."""
    if not presets.named(model):
        with suppress(AiPalError):
            return await facts.details(client, model)
    return (await one_of(client, model)).known
