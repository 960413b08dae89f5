"""Cohere's chat (version 2 of its API) through its SDK."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import cohere
import cohere.core
import httpx
import msgspec

from ai_pal.egress.providers import figures
from ai_pal.egress.providers.base import Finish, Notice, notices
from ai_pal.egress.providers.clients import Clients
from ai_pal.egress.providers.failures import of_event, of_status
from ai_pal.egress.providers.http import BadResponse, watch
from ai_pal.egress.providers.learned import Learned
from ai_pal.egress.providers.rules import Fitted, Rules, fitted, known
from ai_pal.egress.providers.turns import joined, shaped, spoken, system_first
from ai_pal.errors import AiPalError, Failure
from ai_pal.messages.chat import Options
from ai_pal.messages.egress import Complete, Provider

BASE_URL = "https://api.cohere.com"
NO_KEY = "none"

EXTRAS = frozenset({"frequency_penalty", "k", "presence_penalty", "safety_mode"})
FINISHED = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "TOOL_CALL": "stop", "MAX_TOKENS": "length"}


class Cohere:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._provider, self._learned = provider, learned
        self._name, base_url = provider.name, provider.base_url or BASE_URL
        self._client = cohere.AsyncClientV2(
            api_key=key or NO_KEY,
            base_url=base_url,
            max_retries=0,
            httpx_client=clients.client(httpx, base_url),
            log_warning_experimental_features=False,
        )

    async def stream(self, request: Complete) -> AsyncGenerator[str | Notice | Finish, None]:
        stream, fitted = await self._learned.ask(
            request,
            known("cohere", request.model, own=not self._provider.base_url),
            lambda rules: _fitted(request.options, rules),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        async for event in stream:
            if event.type == "content-delta":
                text = _text(event)
                if text:
                    yield text
            elif event.type == "message-end":
                yield self._finish(event.delta, request.model)

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> AsyncIterator[Any]:
        """The events, of which the first is there: it takes that to know whether the request was taken."""
        watch(EventLines().check)
        turns = joined(system_first(spoken(shaped(request.messages, rules.shapes))))
        events: Any = self._client.chat_stream(
            model=request.model,
            messages=[{"role": m.role, "content": m.content} for m in turns],
            request_options={"max_retries": 0},
            **fitted.given,
        )
        first = await anext(events, None)

        async def all_events() -> AsyncIterator[Any]:
            if first is not None:
                yield first
            async for event in events:
                yield event

        return all_events()

    async def models(self) -> list[str]:
        page = await self._client.models.list(page_size=1000, request_options={"max_retries": 0})
        return sorted(model.name for model in page.models if model.name)

    def failure(self, error: Exception, model: str) -> Failure | None:
        if isinstance(error, cohere.core.ApiError) and error.status_code is not None:
            return of_status(self._name, model, error.status_code, error.headers, error.body)
        return None

    def _finish(self, delta: Any, model: str) -> Finish:
        reason = FINISHED.get(str(delta.finish_reason))
        if reason is None:
            broken = of_event(self._name, model, getattr(delta, "error", None))
            message = f"{broken.message} ({str(delta.finish_reason)[:40]})"
            raise AiPalError(msgspec.structs.replace(broken, message=message))
        told = getattr(delta.usage, "tokens", None)
        prompt, completion = getattr(told, "input_tokens", None), getattr(told, "output_tokens", None)
        return Finish(reason, figures.usage(prompt, 0, completion))


class EventLines:
    """Looks at each event's data. The SDK leaves out what is not JSON and goes on, with a part of the
    answer missing."""

    def __init__(self) -> None:
        self._rest = b""

    def check(self, data: bytes) -> None:
        """Raises `BadResponse`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            value = line.strip().removeprefix(b"data:").strip()
            if line.startswith(b"data:") and value and value != b"[DONE]":
                try:
                    msgspec.json.decode(value)
                except (msgspec.DecodeError, RecursionError):
                    raise BadResponse("it sent what cannot be read") from None


def _text(event: Any) -> str:
    message = event.delta.message if event.delta is not None else None
    content = message.content if message is not None else None
    return (content.text if content is not None else None) or ""


def _fitted(options: Options, rules: Rules) -> Fitted:
    wanted = {
        "temperature": options.temperature,
        "p": options.top_p,
        "max_tokens": options.max_tokens,
        "seed": options.seed,
        "stop_sequences": options.stop,
    }
    extra = {"k" if name == "top_k" else name: value for name, value in options.extra.items()}
    return fitted(wanted, rules, extra, EXTRAS)
