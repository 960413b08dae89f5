"""The counterparts of the four provider adapters, and how they are asked."""

from collections.abc import Callable
from typing import Any

import msgspec

from ai_pal.protocol import egress as out
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Api, Provider
from tests.servers.bad_events import TYPES, answered
from tests.servers.loopback import Exchange

TOKENS = 8
"""More than the events that come before the first text."""

APIS: tuple[Api, ...] = ("ollama", "openai", "anthropic", "cohere")


PATHS: dict[Api, str] = {
    "ollama": "/api/chat",
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "cohere": "/v2/chat",
}


class Counterpart(msgspec.Struct, frozen=True):
    """A server that speaks `api` at `url`. `suffix` is what base URLs of that API end with."""

    api: Api
    url: str
    model: str
    suffix: str = ""

    def provider(self, *, url: str = "", name: str = "") -> Provider:
        """This one, or another server in its place."""
        return Provider(name or self.api, self.api, (url or self.url) + self.suffix)

    def complete(
        self,
        prompt: str = "Count from one to ten.",
        *,
        url: str = "",
        name: str = "",
        model: str = "",
        tokens: int = TOKENS,
        **fields: Any,
    ) -> out.Complete:
        """A request for a short answer, the same each time."""
        options = GenerationOptions(temperature=0.0, max_tokens=tokens, seed=1)
        given = {"connect": 5.0, "first_token": 30.0, "gap": 10.0} | fields
        messages = [Message("user", prompt)]
        provider = self.provider(url=url, name=name)
        return out.Complete(0, provider, model or self.model, messages, options, **given)


def scripted(api: Api, url: str) -> Counterpart:
    """A server that a test stands up itself."""
    return Counterpart(api, url, "m", "/v1" if api == "openai" else "")


Find = Callable[[Api], Counterpart]


async def say_yes(exchange: Exchange) -> None:
    """A whole answer, in the protocol that it is asked in."""
    if exchange.path == "/api/generate":  # Ollama is to load the model
        await exchange.answer_json(200, {"done": True})
        return
    api = next(api for api, path in PATHS.items() if path == exchange.path.partition("?")[0])
    await exchange.begin(TYPES[api])
    await exchange.piece(answered(api, 7))
    await exchange.end()
