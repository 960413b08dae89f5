"""Thinking that is the model's to decide: one that cannot think is asked as it is, and not refused."""

from collections.abc import Callable

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.gateway.asking.asked import AUTO, Begin, Coming
from ai_pal.gateway.asking.model_abilities import can
from ai_pal.gateway.asking.starting import Starting


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
    """Whether this one can; where the router chooses, it does not choose by that."""
    return model not in ("", *AUTO) and await can(client, model, "thinking")
