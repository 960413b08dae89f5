"""OpenAI's chat completions through its SDK, and every server that speaks the same."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import openai

from ai_pal.egress.providers import figures
from ai_pal.egress.providers.base import Finish, Notice, notices
from ai_pal.egress.providers.clients import Clients
from ai_pal.egress.providers.failures import failure, of_event, of_status
from ai_pal.egress.providers.learned import Learned
from ai_pal.egress.providers.rules import Fitted, Rules, fitted, known
from ai_pal.egress.providers.turns import shaped
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.messages.chat import Options, Usage
from ai_pal.messages.egress import Complete, Provider

BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""For servers without keys: the SDK wants one, and would take another provider's from the environment."""

EXTRAS = frozenset(
    {"frequency_penalty", "logit_bias", "presence_penalty", "reasoning_effort", "response_format"}
)
"""Options beyond the common ones that the API knows."""

OTHERS_EXTRAS = frozenset({"min_p", "repeat_penalty", "repetition_penalty", "top_k", "typical_p"})
"""Those that other servers of this API know: llama.cpp, vLLM, OpenRouter."""


class OpenAI:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._name, base_url = provider.name, provider.base_url or BASE_URL
        self._provider, self._learned = provider, learned
        self._own = not provider.base_url
        self._client = openai.AsyncOpenAI(
            api_key=key or NO_KEY,
            base_url=base_url,
            max_retries=0,
            http_client=clients.client(httpx2, base_url),
        )

    async def stream(self, request: Complete) -> AsyncGenerator[str | Notice | Finish, None]:
        stream, fitted = await self._learned.ask(
            request,
            known("openai", request.model, own=self._own),
            lambda rules: self._fitted(request.options, rules),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        reason = ""
        async with stream:
            async for chunk in stream:
                if str(chunk.object) == "error":  # vLLM's, which has no `error` that the SDK would see
                    raise AiPalError(of_event(self._name, request.model, chunk.to_dict()))
                for choice in chunk.choices[:1]:
                    if choice.delta.content:
                        yield choice.delta.content
                    reason = choice.finish_reason or reason
                if reason in ("content_filter", "refusal"):
                    message = f"{self._name} withheld the answer ({reason})"
                    raise AiPalError(failure(Code.PROVIDER_REFUSED, message))
                if reason:
                    end, model = "length" if reason == "length" else "stop", str(chunk.model or "")
                    yield Finish(end, _usage(chunk.usage), model)

    async def models(self) -> list[str]:
        return sorted([model.id async for model in self._client.models.list()])

    def failure(self, error: Exception, model: str) -> Failure | None:
        if isinstance(error, openai.APIStatusError):
            response = error.response
            return of_status(self._name, model, error.status_code, response.headers, error.body)
        if isinstance(error, openai.APIConnectionError):
            return None
        if isinstance(error, openai.APIError):
            return of_event(self._name, model, error.body)
        return None

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> Any:
        others = {name: value for name, value in fitted.given.items() if name in OTHERS_EXTRAS}
        return await self._client.chat.completions.create(
            model=request.model,
            messages=[{"role": m.role, "content": m.content} for m in shaped(request.messages, rules.shapes)],
            stream=True,
            extra_body=others or None,
            **{name: value for name, value in fitted.given.items() if name not in others},
        )

    def _fitted(self, options: Options, rules: Rules) -> Fitted:
        wanted = {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "max_tokens": options.max_tokens,
            "seed": options.seed,
            "stop": options.stop,
            "stream_options": {"include_usage": True},
        }
        extras = EXTRAS if self._own else EXTRAS | OTHERS_EXTRAS
        return fitted(wanted, rules, options.extra, extras)


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage()
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", 0)
    return figures.usage(usage.prompt_tokens, cached, usage.completion_tokens)
