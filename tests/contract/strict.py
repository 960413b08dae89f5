"""A strict cloud that remembers what it was asked."""

import json
from collections.abc import Sequence
from typing import Any

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Api, Provider
from tests.egress_driver import Answer, EgressDriver
from tests.servers.clouds import CLOUDS
from tests.servers.loopback import Exchange, Loopback


class Strict(Loopback):
    """See the module."""

    def __init__(self, api: Api) -> None:
        super().__init__(self._noting)
        self.api = api
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    async def _noting(self, exchange: Exchange) -> None:
        self.bodies.append(json.loads(exchange.body or b"{}"))
        self.headers.append(exchange.headers)
        await CLOUDS[self.api](exchange)

    @property
    def base_url(self) -> str:
        return self.url + ("/v1" if self.api == "openai" else "")

    def ask(
        self,
        egress: EgressDriver,
        model: str,
        messages: list[Message],
        options: GenerationOptions | None = None,
        blobs: Sequence[bytes] = (),
    ) -> Answer:
        provider = Provider(self.api, self.api, self.base_url)
        asked = options if options is not None else GenerationOptions()
        complete = out.Complete(0, provider, model, messages, asked, first_token=30.0, gap=10.0)
        return egress.ask(complete, blobs=blobs)
