"""A model that a provider does not have, or no longer: which of those that it lists are nearest to it."""

import asyncio

import msgspec

from ai_pal.config.clouds import heirs
from ai_pal.egress.providers.base import Adapter
from ai_pal.egress.providers.http.traffic import Traffic, watching
from ai_pal.errors import Failure
from ai_pal.protocol.egress import Complete
from ai_pal.providers.nearest import nearest

LIST_SECONDS = 3.0
SHOWN = 3


async def with_names(failure: Failure, adapter: Adapter, request: Complete) -> Failure:
    """The failure with names to choose from; as it was where the provider does not tell them in time, or
    lists the model after all. Sends no prompt."""
    try:
        async with asyncio.timeout(LIST_SECONDS):
            with watching(Traffic(lambda: None)):
                names = await adapter.models()
    except Exception:  # noqa: BLE001 - whatever an SDK raises, the refusal is told all the same
        return failure
    near = nearest(request.model, names, heirs(request.provider.api, request.model), SHOWN)
    if request.model in names or not near:
        return failure
    hint = f"the nearest that it has: {', '.join(near)}"
    return msgspec.structs.replace(failure, hint=f"{hint}; {failure.hint}" if failure.hint else hint)
