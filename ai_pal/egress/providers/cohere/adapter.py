"""Cohere's chat (version 2 of its API) through its SDK."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import repeat
from typing import Any

import cohere
import cohere.core
import httpx

from ai_pal.egress.providers.answers import figures
from ai_pal.egress.providers.answers.events import Event, Told, objects
from ai_pal.egress.providers.answers.loose import call, calls_in, name, part, pieces, text, thoughts
from ai_pal.egress.providers.answers.pieces import AnswerEvent, CallPiece, Finish, Likely, Thought, Used
from ai_pal.egress.providers.answers.rewriting import Rewriting
from ai_pal.egress.providers.base import notices
from ai_pal.egress.providers.cohere import payload
from ai_pal.egress.providers.failures.taxonomy import of_status, words
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.http.traffic import read_through
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.rules import Fitted, Rules, known
from ai_pal.egress.providers.requests.turns import shaped
from ai_pal.errors import Failure
from ai_pal.protocol.content import FinishReason, TokenLogprob
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import OfferedModel, Provider
from ai_pal.protocol.usage import Usage

BASE_URL = "https://api.cohere.com"
NO_KEY = "none"

TYPES = ("message", "content", "tool", "citation", "debug")
"""What the types of its events begin with."""

LENGTH = ("MAX_TOKENS", "LENGTH")
BROKEN = ("ERROR", "TIMEOUT", "USER_CANCEL")
"""What the reasons of answers that are not whole begin with."""


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

    async def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        reading = read_through(Rewriting(_shape))
        stream, fitted = await self._learned.ask(
            request,
            known("cohere", request.model, own=not self._provider.base_url),
            lambda rules: payload.parameters(request, rules),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        finish: Finish | None = None
        async for event in stream:
            if event.type == "content-delta":
                if likely := _likely(part(event, "logprobs")):
                    yield Likely(likely)
                for piece in pieces(part(event.delta, "message", "content")):
                    yield piece
            elif event.type in ("tool-call-start", "tool-call-delta"):
                yield call(part(event.delta, "message", "tool_calls"), part(event, "index"))
            elif event.type == "message-end":
                usage = _usage(part(event.delta, "usage"))
                yield Used(usage)
                finish = Finish(_reason(event.delta), usage)
                yield finish
        if reading.ended and finish is None:
            yield Finish("stop")

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> AsyncIterator[Any]:
        """The events, of which the first is there: it takes that to know whether the request was taken."""
        events: Any = self._client.chat_stream(
            model=request.model,
            messages=payload.turns(shaped(request.messages, rules.shapes), request.model),
            request_options={"max_retries": 0},
            **payload.tools(request.options),
            **payload.response_format(request.options),
            **payload.logprobs(request.options),
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
        return sorted(filter(None, (name(model.name) for model in page.models)))

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        return {}

    def failure(self, error: Exception, model: str) -> Failure | None:
        if isinstance(error, cohere.core.ApiError) and error.status_code is not None:
            return of_status(self._name, model, error.status_code, error.headers, error.body)
        return None


def _shape(event: Event) -> list[Event]:
    """What an event or a whole answer says, in events that the SDK takes: it leaves out, without a word, what
    is not exactly as it was agreed. Raises `Told`."""

    def says(value: dict[str, Any]) -> bool:
        known = text(part(value, "type")) or event.name
        return known.startswith(TYPES) or any(
            isinstance(value.get(name), dict) for name in ("delta", "message")
        )

    shaped: list[Event] = []
    for value in objects(event, says):
        whole = "delta" not in value and isinstance(value.get("message"), dict)
        told = value if whole else part(value, "delta")
        kind = text(part(value, "type")) or event.name
        shaped += _said(told, part(value, "logprobs"))
        shaped += map(_called, calls_in(part(told, "message", "tool_calls")), repeat(part(value, "index")))
        if whole or kind == "message-end" or part(told, "finish_reason"):
            shaped.append(_end(told))
        elif not shaped:
            shaped.append(Event("content-end", {"type": "content-end", "index": 0}))
    return shaped


def _said(told: Any, logprobs: Any) -> list[Event]:
    """What is thought, planned and said. What is planned before a call of a tool is a thought, too."""
    plan = thoughts(part(told, "message", "tool_plan"))
    found = [*plan, *pieces(part(told, "message", "content"))]
    events = [_content(piece) for piece in found]
    if events and (tokens := _likely(logprobs)):
        ids, values = [token.id for token in tokens], [token.logprob for token in tokens]
        told = {"text": text(part(logprobs, "text")), "token_ids": ids, "logprobs": values}
        events[-1].value["logprobs"] = told
    return events


def _content(piece: str | Thought) -> Event:
    said = {"thinking": piece.text} if isinstance(piece, Thought) else {"text": piece}
    delta = {"message": {"content": said}}
    return Event("content-delta", {"type": "content-delta", "index": 0, "delta": delta})


def _called(value: Any, place: Any) -> Event:
    piece = call(value)
    index = place if isinstance(place, int) and not isinstance(place, bool) else piece.place
    return _call_event(piece, index)


def _call_event(piece: CallPiece, index: int | None) -> Event:
    """A piece of a call: its start where it has an id or a name."""
    arguments = piece.arguments
    told = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
    kind = "tool-call-start" if piece.id or piece.name else "tool-call-delta"
    function = {"name": piece.name, "arguments": told} if kind == "tool-call-start" else {"arguments": told}
    called = {"id": piece.id, "type": "function", "function": function}
    delta = {"message": {"tool_calls": called}}
    return Event(kind, {"type": kind, "index": index, "delta": delta})


def _end(told: Any) -> Event:
    usage = part(told, "usage")
    counts = {
        count: figures.tokens(part(usage, "tokens", count))
        or figures.tokens(part(usage, "billed_units", count))
        for count in ("input_tokens", "output_tokens")
    }
    error = part(told, "error")
    delta = {
        "finish_reason": text(part(told, "finish_reason")) or "COMPLETE",
        "error": error if error is None or isinstance(error, str) else words(error),
        "usage": {"tokens": counts},
    }
    return Event("message-end", {"type": "message-end", "delta": delta})


def _reason(delta: Any) -> FinishReason:
    """Raises `Told` unless the answer is whole."""
    told, error = text(part(delta, "finish_reason")).upper(), part(delta, "error")
    if error or told.startswith(BROKEN):
        raise Told(error or {"message": f"finish_reason: {told}"})
    return "length" if told in LENGTH else "stop"


def _usage(usage: Any) -> Usage:
    told = part(usage, "tokens")
    return figures.usage(part(told, "input_tokens"), 0, part(told, "output_tokens"))


def _likely(told: Any) -> list[TokenLogprob]:
    """Probabilities of the tokens of a piece, whose text is told as a whole: the first of them has it."""
    said, logprobs, ids = (part(told, name) for name in ("text", "logprobs", "token_ids"))
    if not isinstance(logprobs, list) or not isinstance(ids, list) or len(ids) != len(logprobs):
        return []
    texts = [text(said).encode("utf-8", "replace"), *repeat(b"", len(logprobs))]
    tokens = zip(texts, logprobs, ids, strict=False)
    return [
        TokenLogprob(data, min(0.0, float(logprob)), token)
        for data, logprob, token in tokens
        if isinstance(logprob, int | float) and isinstance(token, int) and -1 <= token < 2**31
    ]
