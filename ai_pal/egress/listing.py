"""Which models a provider has."""

import asyncio
import os

from ai_pal.egress.outbox import Outbox
from ai_pal.egress.providers.answers.unlike import of_reading
from ai_pal.egress.providers.base import Adapters
from ai_pal.egress.providers.failures.taxonomy import failure
from ai_pal.egress.providers.http.traffic import Traffic, watching
from ai_pal.egress.providers.http.transport import of_transport
from ai_pal.errors import AiPalError, Code
from ai_pal.network.reasons import by_way_of
from ai_pal.protocol.egress import CompletionFailed, ListModels, ProviderModels


async def list_models(request: ListModels, providers: Adapters, outbox: Outbox) -> None:
    """Tell which models a provider has, or why it does not say."""
    name, traffic = request.provider.name, Traffic()
    try:
        adapter = await providers.adapter(request.provider)
        async with asyncio.timeout(request.timeout):
            with watching(traffic):
                names = await adapter.models()
                about = await adapter.about(names) if request.describe else {}
        outbox.put(ProviderModels(request.key, names, about))
        return
    except AiPalError as error:
        reason = error.failure
    except TimeoutError:
        code = Code.FIRST_TOKEN_TIMEOUT if traffic.left else Code.CONNECT_TIMEOUT
        way = by_way_of(traffic.url, os.environ)
        reason = failure(code, f"{name} did not list its models within {request.timeout:g} s{way}")
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises is a failure of this attempt only
        reason = (
            of_reading(request.provider, "", error)
            or adapter.failure(error, "")
            or of_transport(name, error, traffic)
        )
    outbox.put(CompletionFailed(request.key, providers.without_keys(reason)))
