"""The provider seam: what an adapter is asked and what it tells."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

from ai_pal.egress.providers.answers.pieces import AnswerEvent, Notice
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.rules import Fitted
from ai_pal.errors import Failure
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import OfferedModel, Provider
from ai_pal.providers.abilities import known_window


class Adapter(Protocol):
    """Speaks one protocol with one provider, in exactly one HTTP request per answer; in two where the first
    was refused for an option or the shape of the turns, and was mended (see `learned`)."""

    def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        """The pieces of the answer, what else is told among them, then its finish. A stream that ends without
        one was cut off. Raises what its SDK raises, `Told`, `Unreadable`, or `AiPalError`."""

    async def models(self) -> list[str]:
        """The names of the provider's models."""

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        """What it says of these, as far as it says anything without being asked to answer."""

    def failure(self, error: Exception, model: str) -> Failure | None:
        """What an exception means; None for those of the connection, which mean the same everywhere."""


class Adapters(Protocol):
    """Whom completions are asked of."""

    async def adapter(self, provider: Provider) -> Adapter:
        """The adapter for a provider. Raises `AiPalError`."""

    def without_keys(self, told: Failure) -> Failure:
        """A failure as it may be told."""


class Make(Protocol):
    """An adapter's class. An empty `key` means that there is none."""

    def __call__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> Adapter: ...


def notices(request: Complete, fitted: Fitted) -> list[Notice]:
    """What the user is told of options that were not passed on as they are."""
    told = [*fitted.told, *_without_meaning(request)]
    if not told:
        return []
    said = "; ".join(dict.fromkeys(told))
    return [Notice("options", f"{request.provider.name}:{request.model}: {said}")]


def _without_meaning(request: Complete) -> list[str]:
    """Wishes that no provider knows, and a window that cannot be compared with the model's."""
    options, provider = request.options, request.provider
    told = ["stop_repeating is left out, it is not known there"] if options.stop_repeating else []
    if options.context and provider.api != "ollama" and not known_window(provider, request.model):
        told.append(f"context {options.context} is not checked, the model's window is not known")
    return told


def unknown(options: GenerationOptions, *names: str) -> dict[str, Any]:
    """Wishes of which an API knows nothing, as `extra` of it, beside those that are called by no field."""
    set_ones = {name: getattr(options, name) for name in names}
    return {name: value for name, value in set_ones.items() if value not in (None, {})} | options.extra
