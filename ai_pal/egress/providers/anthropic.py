"""Anthropic's messages through its SDK."""

from collections.abc import AsyncGenerator
from typing import Any

import anthropic
import httpx2
import msgspec

from ai_pal.egress.providers import figures
from ai_pal.egress.providers.base import Finish, Notice, notices
from ai_pal.egress.providers.clients import Clients
from ai_pal.egress.providers.failures import failure, of_event, of_status
from ai_pal.egress.providers.figures import tokens
from ai_pal.egress.providers.learned import Learned
from ai_pal.egress.providers.rules import Fitted, Rules, fitted, known
from ai_pal.egress.providers.turns import joined, shaped, spoken, trimmed_end, user_first
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.messages.chat import Message, Options, Usage
from ai_pal.messages.egress import Complete, Provider

BASE_URL = "https://api.anthropic.com"
NO_KEY = "none"

MAX_TOKENS = 4096
"""The API wants a limit; every model takes this one."""

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
SAMPLING_VERSION = "2023-06-01"
"""The version of the API that takes them. The SDK asks for a later one, which refuses them for all models."""

EXTRAS = frozenset({"top_k"})
LENGTH = ("max_tokens", "model_context_window_exceeded")


class Anthropic:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._provider, self._learned = provider, learned
        self._name, base_url = provider.name, provider.base_url or BASE_URL
        self._client = anthropic.AsyncAnthropic(
            api_key=key or NO_KEY,
            base_url=base_url,
            max_retries=0,
            http_client=clients.client(httpx2, base_url),
        )

    async def stream(self, request: Complete) -> AsyncGenerator[str | Notice | Finish, None]:
        prefix = _prefix(request.messages)
        blank = prefix[len(prefix.rstrip()) :]
        stream, fitted = await self._learned.ask(
            request,
            known("anthropic", request.model, own=not self._provider.base_url),
            lambda rules: _fitted(request.options, rules),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        usage, model = Usage(), ""
        async with stream:
            async for event in stream:
                if event.type == "message_start":
                    usage, model = _prompt_usage(event.message.usage), str(event.message.model or "")
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    # The API takes no prefix that ends in blanks: the model says those again.
                    text, blank = event.delta.text.removeprefix(blank), ""
                    yield text
                elif event.type == "message_delta" and event.delta.stop_reason:
                    done = tokens(event.usage.output_tokens)
                    usage = msgspec.structs.replace(usage, completion_tokens=done)
                    yield self._finish(event.delta.stop_reason, usage, model)

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> Any:
        sampling = {name: value for name, value in fitted.given.items() if name in SAMPLING}
        return await self._client.messages.create(
            model=request.model,
            stream=True,
            extra_headers={"anthropic-version": SAMPLING_VERSION} if sampling else None,
            extra_body=sampling or None,
            **_messages(shaped(request.messages, rules.shapes)),
            **{name: value for name, value in fitted.given.items() if name not in sampling},
        )

    async def models(self) -> list[str]:
        return sorted([model.id async for model in self._client.models.list()])

    def failure(self, error: Exception, model: str) -> Failure | None:
        if not isinstance(error, anthropic.APIStatusError):
            return None
        body = error.body
        if error.status_code == 200:  # an error event inside the stream
            return of_event(self._name, model, body)
        return of_status(self._name, model, error.status_code, error.response.headers, body)

    def _finish(self, reason: str, usage: Usage, model: str) -> Finish:
        if reason == "refusal":
            raise AiPalError(failure(Code.PROVIDER_REFUSED, f"{self._name} withheld the answer"))
        return Finish("length" if reason in LENGTH else "stop", usage, model)


def _prefix(messages: list[Message]) -> str:
    return messages[-1].content if messages and messages[-1].role == "assistant" else ""


def _messages(messages: list[Message]) -> dict[str, Any]:
    said = spoken(messages)
    system = "\n\n".join(m.content for m in said if m.role == "system")
    turns = trimmed_end(user_first(joined([m for m in said if m.role != "system"])))
    given: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in turns]}
    return given | ({"system": system} if system else {})


def _fitted(options: Options, rules: Rules) -> Fitted:
    wanted = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_tokens": options.max_tokens or MAX_TOKENS,
        "seed": options.seed,
        "stop_sequences": options.stop,
    }
    return fitted(wanted, rules, options.extra, EXTRAS)


def _prompt_usage(usage: Any) -> Usage:
    cached, written = tokens(usage.cache_read_input_tokens), tokens(usage.cache_creation_input_tokens)
    return figures.usage(tokens(usage.input_tokens) + cached + written, cached, 0)
