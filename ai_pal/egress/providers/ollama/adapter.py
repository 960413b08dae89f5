"""Ollama as a provider: what it is asked for, and what of a request has to hold before."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from typing import Any

import httpx2
import msgspec

from ai_pal import privacy
from ai_pal.egress.providers.answers import figures
from ai_pal.egress.providers.answers.likely import tokens_of
from ai_pal.egress.providers.answers.loose import call, name, part, pieces, text, thoughts
from ai_pal.egress.providers.answers.pieces import (
    AnswerEvent,
    CallPiece,
    Finish,
    Likely,
    Notice,
    Thought,
    Waiting,
)
from ai_pal.egress.providers.base import notices
from ai_pal.egress.providers.failures.taxonomy import failure, of_status, parsed
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.ollama import payload, windows
from ai_pal.egress.providers.ollama.lively import lively
from ai_pal.egress.providers.ollama.server import OllamaServer, Refused, events_of
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.thinking import Thinking
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import needs
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.options import Ability
from ai_pal.protocol.provider import OLLAMA_URL, OfferedModel, Provider
from ai_pal.providers.abilities import needed, unsupported

SHOWN_AT_ONCE, MOST_SHOWN, ABOUT_SECONDS = 8, 256, 1.5
"""Models that are looked at: together, in all, and for how long; of the others nothing is known."""

_CANNOTS: dict[str, Ability] = {
    "tools": "tools",
    "thinking": "thinking",
    "vision": "images",
    "images": "images",
    "chat": "chat",
}
_CANNOT = re.compile(rf"does not support ({'|'.join(_CANNOTS)})")


class Ollama:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._provider = provider
        self._server = OllamaServer(provider.base_url or OLLAMA_URL, key, clients)

    def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        answer = self._answer(request)
        return lively(answer, self._server.lives) if request.patient else answer

    async def _answer(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        shown = None
        if request.local_only:
            shown = await self._must_be_here(request.model)
        elif privacy.stays_here(self._provider, request.model):
            shown = await self._must_not_pass_on(request.model)
        shown = await self._must_be_able(request, shown)
        known, tokens = await self._windows(request, shown), windows.needed(request)
        if known.will_show(tokens):
            yield Waiting()
            await self._server.load(self._body(request))
            known = await self._windows(request, shown)
        done = payload.parameters(request.options)
        options = dict(done.given)
        num_ctx = windows.asked(tokens, known, request.options.context or 0)
        if num_ctx is not None and "num_ctx" not in options:
            options["num_ctx"] = num_ctx
        window = windows.in_force(figures.tokens(options.get("num_ctx")), known)
        thinking = payload.thoughts(request, payload.capabilities(shown))
        body = self._body(request) | {
            "messages": payload.turns(request.messages),
            "stream": True,
            "options": options,
            **payload.beside(request),
        }
        response, told = await self._begin(body, thinking)
        try:
            for notice in notices(request, msgspec.structs.replace(done, told=(*told, *done.told))):
                yield notice
            calls = 0
            async for line in events_of(response):
                for piece in _pieces(line, calls):
                    calls += isinstance(piece, CallPiece)
                    yield piece
                reason = part(line, "done_reason")
                if part(line, "done") or reason:
                    used = figures.usage(part(line, "prompt_eval_count"), 0, part(line, "eval_count"))
                    if windows.was_cut(request.messages, used.prompt_tokens, window):
                        cut = windows.cut(self._provider.name, request.messages, used.prompt_tokens)
                        yield Notice("trimmed", cut)
                    model = name(part(line, "model"))
                    yield Finish("length" if reason == "length" else "stop", used, model)
        finally:
            await response.aclose()

    async def _begin(
        self, body: dict[str, Any], thinking: Thinking
    ) -> tuple[httpx2.Response, tuple[str, ...]]:
        """The answer as it begins, and what to tell of thinking. An older server does not say beforehand that
        a model cannot think: it refuses, and is asked once more without. Raises `Refused`."""
        try:
            return await self._server.chat(body | thinking.given), thinking.told
        except Refused as refused:
            said = text(part(parsed(refused.body), "error"))
            if not (thinking.given and "think" in said.lower()):
                raise
        told = f"thinking is left out, {self._provider.name} does not take it of this model"
        return await self._server.chat(body), (told, *thinking.told)

    async def models(self) -> list[str]:
        return await self._server.models()

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        found: dict[str, OfferedModel] = {}
        room = asyncio.Semaphore(SHOWN_AT_ONCE)

        async def look(model: str) -> None:
            async with room:
                shown = await self._server.asked("POST", "show", {"model": model})
            if shown is not None:
                found[model] = windows.offered(model, shown)

        with suppress(TimeoutError):
            async with asyncio.timeout(ABOUT_SECONDS):
                await asyncio.gather(*map(look, models[:MOST_SHOWN]))
        return found

    def failure(self, error: Exception, model: str) -> Failure | None:
        if not isinstance(error, Refused):
            return None
        name, said = self._provider.name, text(part(parsed(error.body), "error"))
        if (found := _CANNOT.search(said)) is not None:
            return unsupported(self._provider, model, [needs.WHAT[_CANNOTS[found[1]]]])
        if error.status == 404 and text(part(parsed(error.body), "error")):
            return failure(Code.MODEL_NOT_HERE, f"{name} has not pulled {model}", f"ollama pull {model}")
        if error.status == 404:
            message = f"{name} is no Ollama (HTTP 404)"
            return failure(Code.PROVIDER_REFUSED, message, "check OLLAMA_HOST, or base_url in [ollama]")
        return of_status(name, model, error.status, error.headers, error.body)

    def _body(self, request: Complete) -> dict[str, Any]:
        """What each request says that may load the model."""
        named: dict[str, Any] = {"model": request.model}
        return named if request.keep_alive is None else named | {"keep_alive": request.keep_alive}

    async def _must_be_able(self, request: Complete, shown: object) -> object:
        """What is known of the model, asked for where the request needs what not every model can, or where
        thinking is spoken of. Raises `AiPalError` (`unsupported`)."""
        options = request.options
        special = {"tools", "images", "logprobs"}.intersection(needed(request.messages, options))
        if shown is None and (special or options.thinking is not None):
            shown = await self._server.asked("POST", "show", {"model": request.model})
        missing = payload.lacking(request, payload.capabilities(shown))
        if options.logprobs is not None:
            version = payload.version(await self._server.asked("GET", "version"))
            if version and version < payload.LOGPROBS:
                missing.append(needs.WHAT["logprobs"])
        most = windows.windows(request.model, shown, None).most
        if options.context and 0 < most < options.context:
            missing.append(f"hold {options.context} tokens (its window has {most})")
        if missing:
            raise AiPalError(unsupported(self._provider, request.model, missing))
        return shown

    async def _windows(self, request: Complete, shown: object) -> windows.Windows:
        """What is known of the model's windows. Who says `num_ctx` needs none of it, nor does its cloud."""
        said = "num_ctx" in request.options.extra
        if said or privacy.is_passed_on(request.model):
            return windows.Windows()
        running = await self._server.asked("GET", "ps")
        if shown is None and running is not None:
            shown = await self._server.asked("POST", "show", {"model": request.model})
        return windows.windows(request.model, shown, running)

    async def _must_be_here(self, model: str) -> object:
        """Nothing of a prompt is sent yet. Raises `AiPalError` (`local_only`)."""
        if not await self._server.is_here():
            privacy.refuse(self._provider)
        shown = await self._server.show(model, must_know=True)
        if shown.is_passed_on or not shown.is_stored:
            message = f"{self._provider.name} does not compute {model} on this machine"
            fail(Code.LOCAL_ONLY, f"{message}, and the request is local-only", "choose a model that is here")
        return shown.told

    async def _must_not_pass_on(self, model: str) -> object:
        """Nobody was told that the prompt leaves, so it must not. Raises `AiPalError` (`no_consent`)."""
        shown = await self._server.show(model, must_know=False)
        if shown.is_passed_on:
            name = self._provider.name
            message = f"{name} passes what {model} is asked on to {shown.where}, and its name does not say so"
            renamed = f"ollama cp {model} {model}-cloud"
            fail(Code.NO_CONSENT, message, f"agree: ai-pal consent {name}, and rename it: {renamed}")
        return shown.told


def _pieces(line: dict[str, Any], calls: int) -> Iterator[str | Thought | CallPiece | Likely]:
    """What a line says; `calls` came before it, and each that comes is whole."""
    if likely := tokens_of(part(line, "logprobs")):
        yield Likely(likely)
    yield from thoughts(part(line, "message", "thinking"))
    yield from pieces(part(line, "message", "content"))
    for number, one in enumerate(payload.answered_tools(part(line, "message"))):
        yield call(one, calls + number)
