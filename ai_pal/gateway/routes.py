"""The table of routes: every path that is answered, whose protocol it speaks, and what carries it out."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.gateway import operations
from ai_pal.gateway.anthropic import doors as anthropic
from ai_pal.gateway.anthropic.answer import error_body as anthropic_error
from ai_pal.gateway.asked import Asked, Followed, Wanted
from ai_pal.gateway.metrics import MEDIA_TYPE, Metrics
from ai_pal.gateway.ollama import doors as ollama
from ai_pal.gateway.ollama import listing, managing
from ai_pal.gateway.ollama.answers import error_body as ollama_error
from ai_pal.gateway.ollama.pulling import pull
from ai_pal.gateway.openai import doors as openai
from ai_pal.gateway.openai.completions import completions
from ai_pal.gateway.openai.embeddings import embeddings, rerank
from ai_pal.gateway.openai.errors import error_body as openai_error
from ai_pal.gateway.openai.responses.doors import Responses

Reads = Callable[[bytes], Asked | Followed | Wanted]
"""Reads out of a body what is wanted."""

Tells = Callable[[AsyncClient, Mapping[str, str]], Awaitable[bytes]]
"""Carries out what has no body, given the parameters of query and path; gives the body of the response."""


class Route(NamedTuple):
    """One method of one path. `door` is whose protocol it is; `error` makes the body of a failure; `form`:
    JSON may come as a form; `alone`: no supervisor is needed; without `starts` none is started; `never`: why
    it is not done here."""

    method: str
    path: str
    door: str
    error: Callable[[AiPalError], Any]
    asks: Reads | None = None
    tells: Tells | None = None
    form: bool = False
    media_type: str = "application/json"
    alone: bool = False
    starts: bool = True
    never: str = ""


def _openai(method: str, path: str, **what: Any) -> list[Route]:
    """With and without `/v1`: some clients leave it out."""
    return [Route(method, prefix + path, "openai", openai_error, **what) for prefix in ("/v1", "")]


def _ollama(method: str, path: str, **what: Any) -> Route:
    return Route(method, path, "ollama", ollama_error, form=True, **what)


def _own(path: str, **what: Any) -> Route:
    return Route("GET", path, "server", operations.error_body, **what)


_responses = Responses()

ROUTES: list[Route] = [
    _own("/", tells=operations.running, media_type="text/plain", alone=True),
    _own("/health", tells=operations.alive, alone=True),
    _own("/ready", tells=operations.ready, starts=False),
    *_openai("POST", "/chat/completions", asks=openai.chat_completions),
    *_openai("POST", "/completions", asks=completions),
    *_openai("POST", "/responses", asks=_responses.create),
    *_openai("GET", "/responses/{id}", tells=_responses.retrieve, alone=True),
    *_openai("DELETE", "/responses/{id}", tells=_responses.delete, alone=True),
    *_openai("GET", "/responses/{id}/input_items", tells=_responses.input_items, alone=True),
    *_openai("POST", "/responses/{id}/cancel", tells=_responses.cancel, alone=True),
    *_openai("POST", "/embeddings", asks=embeddings),
    *_openai("POST", "/rerank", asks=rerank),
    *_openai("GET", "/models", tells=openai.models),
    *_openai("GET", "/models/{id:path}", tells=openai.model),
    Route("POST", "/v1/messages", "anthropic", anthropic_error, asks=anthropic.messages),
    Route("POST", "/v1/messages/count_tokens", "anthropic", anthropic_error, asks=anthropic.count_tokens),
    _ollama("POST", "/api/chat", asks=ollama.chat_door),
    _ollama("POST", "/api/generate", asks=ollama.generate),
    _ollama("POST", "/api/embed", asks=ollama.embed),
    _ollama("POST", "/api/embeddings", asks=ollama.embeddings),
    _ollama("GET", "/api/version", tells=ollama.version),
    _ollama("GET", "/api/tags", tells=listing.tags),
    _ollama("GET", "/api/ps", tells=listing.ps),
    _ollama("POST", "/api/show", asks=listing.show),
    _ollama("POST", "/api/pull", asks=pull),
    _ollama("POST", "/api/copy", asks=managing.copy),
    _ollama("POST", "/api/create", asks=managing.create),
    _ollama("DELETE", "/api/delete", asks=managing.delete),
    _ollama("POST", "/api/push", never=managing.PUSH),
    _ollama("HEAD", "/api/blobs/{digest}", never=managing.BLOBS),
    _ollama("POST", "/api/blobs/{digest}", never=managing.BLOBS),
]


def routes_with(metrics: Metrics) -> list[Route]:
    """The table, and the page of these metrics."""
    return [*ROUTES, _own("/metrics", tells=metrics.told, media_type=MEDIA_TYPE, alone=True)]


def door_of(path: str) -> Callable[[AiPalError], Any]:
    """How an error is told at a path that need not be one of ours."""
    if path.startswith("/api/"):
        return ollama_error
    return anthropic_error if path.startswith("/v1/messages") else openai_error
