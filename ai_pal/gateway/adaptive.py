"""Thinking that is the model's to decide: one that cannot think is asked as it is, and not refused."""

from collections.abc import Callable
from contextlib import suppress

from ai_pal.catalog.details import Details
from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.errors import AiPalError
from ai_pal.gateway import facts, presets
from ai_pal.gateway.askable import one_of
from ai_pal.gateway.asked import AUTO, Begin, Coming
from ai_pal.gateway.starting import Starting


def as_it_can(ask: Callable[[Asking], Begin], how: Asking) -> Begin:
    """Asked as `how` says, without its thoughts where the model has none."""
    plain: Asking = {**how, "thinking": None, "thinking_budget": None}

    def begin(client: AsyncClient, said: Asking) -> Coming:
        async def opened() -> Coming:
            thinks = await can_think(client, how.get("model") or "")
            return ask(how if thinks else plain)(client, said)

        return Starting(opened())

    return begin


async def can_think(client: AsyncClient, model: str) -> bool:
    """Whether this one can; where the router chooses, it does not choose by that. That a model is not there
    the question itself says."""
    if model in ("", *AUTO):
        return False
    try:
        known = await _known(client, model)
    except AiPalError:
        return True
    untold = not known.format and (known.able is None or "thinking" in known.able)  # no file tells of it
    return untold or "thinking" in known.strengths


async def _known(client: AsyncClient, model: str) -> Details:
    """Of one on this machine no provider is heard."""
    if not presets.named(model):
        with suppress(AiPalError):
            return await facts.details(client, model)
    return (await one_of(client, model)).known
