"""Anthropic's messages through its SDK."""

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Literal

import anthropic
import httpx2

from ai_pal.egress.providers.answers import figures
from ai_pal.egress.providers.answers.events import Event, objects
from ai_pal.egress.providers.answers.figures import tokens
from ai_pal.egress.providers.answers.loose import name, part, pieces, several, text
from ai_pal.egress.providers.answers.pieces import AnswerEvent, CallPiece, Finish, Thought, Used
from ai_pal.egress.providers.answers.rewriting import Rewriting
from ai_pal.egress.providers.anthropic import payload
from ai_pal.egress.providers.base import notices
from ai_pal.egress.providers.failures.taxonomy import of_status
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.http.traffic import read_through
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.rules import Fitted, Rules, known
from ai_pal.egress.providers.requests.turns import shaped
from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import OfferedModel, Provider
from ai_pal.protocol.usage import Usage

BASE_URL = "https://api.anthropic.com"
NO_KEY = "none"

SAMPLING_VERSION = "2023-06-01"
"""The version of the API that samples. The SDK asks for a later one, which refuses that for all models."""

LENGTH = ("max_tokens", "model_context_window_exceeded")
TYPES = frozenset(
    {
        *("message", "message_start", "message_delta", "message_stop", "ping"),
        *("content_block_start", "content_block_delta", "content_block_stop"),
    }
)
"""Types of the events of a stream, and of a whole answer."""

Pieces = Iterator[str | Thought | CallPiece]


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

    async def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        prefix = payload.prefix(request)
        prefill = request.options.prefill
        formed = payload.is_forced_form(request)
        blank = prefix[len(prefix.rstrip()) :]
        reading = read_through(Rewriting(_shape))
        stream, fitted = await self._learned.ask(
            request,
            known("anthropic", request.model, own=not self._provider.base_url),
            lambda rules: payload.parameters(request, rules),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        usage, model = Usage(), ""
        finish: FinishReason | Literal[""] = ""
        async with stream:
            async for event in stream:
                for piece in _formed(_pieces(event)) if formed else _pieces(event):
                    # The API takes no prefix that ends in blanks: the model says those again.
                    if isinstance(piece, str):
                        piece = prefill + piece.removeprefix(blank)  # noqa: PLW2901
                        prefill = blank = ""
                    yield piece
                told, model = _usage(event, usage), name(part(_message(event), "model")) or model
                if told != usage:
                    usage = told
                    yield Used(usage)
                finish = self._reason(event, finish)
                if finish:
                    yield Finish(finish, usage, model)
        if reading.ended and not finish:
            yield Finish("stop", usage, model)

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> Any:
        given = payload.formed(request, fitted.given)
        sampling = {name: value for name, value in given.items() if name in payload.SAMPLING}
        return await self._client.messages.create(
            model=request.model,
            stream=True,
            extra_headers={"anthropic-version": SAMPLING_VERSION} if sampling else None,
            extra_body=sampling or None,
            **payload.turns(shaped(payload.begun(request), rules.shapes)),
            **payload.tools(request),
            **{name: value for name, value in given.items() if name not in sampling},
        )

    async def models(self) -> list[str]:
        names = [name(part(model, "id")) async for model in self._client.models.list()]
        return sorted(filter(None, names))

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        return {}

    def failure(self, error: Exception, model: str) -> Failure | None:
        if not isinstance(error, anthropic.APIStatusError):
            return None
        return of_status(self._name, model, error.status_code, error.response.headers, error.body)

    def _reason(self, event: Any, before: FinishReason | Literal[""]) -> FinishReason | Literal[""]:
        """Why the answer has ended, if it has."""
        reason = part(event, "delta", "stop_reason") or part(_message(event), "stop_reason")
        if reason == "refusal":
            return "content_filter"
        if reason in LENGTH:
            return "length"
        ended = part(event, "type") in ("message", "message_stop")
        return before or ("stop" if reason or ended else "")


def _shape(event: Event) -> list[Event]:
    """Events of a stream, each with its name, and whole answers. Raises `Told`."""

    def says(value: dict[str, Any]) -> bool:
        known = text(part(value, "type")) in TYPES or event.name in TYPES
        return known or any(isinstance(value.get(name), dict) for name in ("delta", "message"))

    found = objects(event, says)
    return [Event(text(part(value, "type")) or event.name or "message", value) for value in found]


def _message(event: Any) -> Any:
    """What is told of the answer as a whole: in an event of its own, or in the whole answer."""
    return event if part(event, "type") == "message" else part(event, "message")


def _pieces(event: Any) -> Pieces:
    """What an event says: of a block that begins, of one that grows, or of a whole answer."""
    place = part(event, "index")
    yield from _of_block(part(event, "content_block"), place)
    yield from _of_block(part(event, "delta"), place)
    for number, block in enumerate(several(part(_message(event), "content"))):
        yield from _of_block(block, number)


def _of_block(block: Any, place: Any) -> Pieces:
    kind = text(part(block, "type"))
    more = part(block, "partial_json")
    if kind == "tool_use" or more is not None:
        index = place if isinstance(place, int) and not isinstance(place, bool) else None
        arguments = part(block, "input") or (more if isinstance(more, str | dict) else None)
        called = isinstance(arguments, str | dict)
        yield CallPiece(
            index, name(part(block, "id")), name(part(block, "name")), arguments if called else None
        )
        return
    if hidden := name(part(block, "data")):
        yield Thought("", payload.HIDDEN + hidden)
        return
    yield from pieces(block)
    if signature := name(part(block, "signature")):
        yield Thought("", signature)


def _formed(said: Pieces) -> Pieces:
    """The arguments of the call that stands for the answer, as its text."""
    for piece in said:
        if not isinstance(piece, CallPiece):
            if isinstance(piece, Thought):
                yield piece
        elif isinstance(piece.arguments, str):
            yield piece.arguments
        elif piece.arguments:
            yield json.dumps(piece.arguments, ensure_ascii=False)


def _usage(event: Any, before: Usage) -> Usage:
    """What has been used after this event: most of the prompt is told at the start, the answer at the end."""
    told = part(_message(event), "usage") or part(event, "usage")
    cached, written = (
        tokens(part(told, name)) for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    prompt = tokens(part(told, "input_tokens")) + cached + written
    later = figures.usage(prompt, cached, part(told, "output_tokens"))
    return Usage(
        max(before.prompt_tokens, later.prompt_tokens),
        max(before.cached_tokens, later.cached_tokens),
        max(before.completion_tokens, later.completion_tokens),
    )
