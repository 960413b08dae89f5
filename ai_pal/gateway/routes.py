"""The table of routes: every path that is answered, whose protocol it speaks, and what carries it out."""

from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.gateway import operations
from ai_pal.gateway.anthropic import doors as anthropic
from ai_pal.gateway.anthropic.answer import error_body as anthropic_error
from ai_pal.gateway.anthropic.request import CountBody, MessagesBody
from ai_pal.gateway.description import described
from ai_pal.gateway.metrics import MEDIA_TYPE, Metrics
from ai_pal.gateway.ollama import blobs, creating, listing, managing, showing
from ai_pal.gateway.ollama import doors as ollama
from ai_pal.gateway.ollama.errors import error_body as ollama_error
from ai_pal.gateway.ollama.pulling import PullBody, pull
from ai_pal.gateway.openai import doors as openai
from ai_pal.gateway.openai.chat_request import ChatBody
from ai_pal.gateway.openai.completions import CompletionBody, completions
from ai_pal.gateway.openai.doors import VERSION
from ai_pal.gateway.openai.embeddings import EmbeddingsBody, RerankBody, embeddings, rerank
from ai_pal.gateway.openai.errors import OF_CHATS, OF_RESPONSES, Names
from ai_pal.gateway.openai.errors import error_body as openai_error
from ai_pal.gateway.openai.responses.doors import Responses
from ai_pal.gateway.openai.responses.kept import Kept
from ai_pal.gateway.openai.responses.request import ResponsesBody
from ai_pal.gateway.page.page import Page
from ai_pal.gateway.page.routes import page_routes
from ai_pal.gateway.route import Route


def _openai(method: str, path: str, names: Names = (), **what: Any) -> list[Route]:
    """With and without `/v1`: some clients leave it out."""
    error = partial(openai_error, names=names) if names else openai_error
    return [Route(method, prefix + path, "openai", error, **what) for prefix in ("/v1", "")]


def _anthropic(path: str, **what: Any) -> list[Route]:
    return [Route("POST", prefix + path, "anthropic", anthropic_error, **what) for prefix in ("/v1", "")]


def _ollama(method: str, path: str, **what: Any) -> Route:
    return Route(method, path, "ollama", ollama_error, form=True, **what)


def _own(path: str, **what: Any) -> Route:
    return Route("GET", path, "server", operations.error_body, **what)


FOR_ANTHROPIC: dict[str, Any] = {"heeds": (VERSION,), "otherwise": (VERSION, anthropic_error)}
RETRIEVE = ("stream", "starting_after", "include", "include_obfuscation")
SENT: dict[str, Any] = {"media_type": blobs.TEXT, "alone": True, "manages": True}
COMPACT = "no conversation is compacted here: send what is to be kept, or truncation: auto"
LIST = ("limit", "order", "after", "include")

ROUTES: list[Route] = [
    _own("/", tells=operations.running, media_type="text/plain", alone=True),
    *(_own(path, tells=operations.alive, alone=True, anybody=True) for path in ("/health", "/v1/health")),
    _own("/ready", tells=operations.ready, starts=False),
    *_openai("POST", "/chat/completions", OF_CHATS, asks=openai.chat_completions, body=ChatBody),
    *_openai("POST", "/completions", asks=completions, body=CompletionBody),
    *_openai("POST", "/embeddings", asks=embeddings, body=EmbeddingsBody),
    *_openai("POST", "/rerank", asks=rerank, body=RerankBody),
    *_openai("GET", "/models", tells=openai.models, **FOR_ANTHROPIC),
    *_openai("GET", "/models/{id:path}", tells=openai.model, **FOR_ANTHROPIC),
    *_anthropic("/messages", asks=anthropic.messages, body=MessagesBody),
    *_anthropic("/messages/count_tokens", asks=anthropic.count_tokens, body=CountBody),
    _ollama("POST", "/api/chat", asks=ollama.chat_door, body=ollama.ChatBody),
    _ollama("POST", "/api/generate", asks=ollama.generate, body=ollama.GenerateBody),
    _ollama("POST", "/api/embed", asks=ollama.embed, body=ollama.EmbedBody),
    _ollama("POST", "/api/embeddings", asks=ollama.embeddings, body=ollama.EmbedBody),
    _ollama("GET", "/api/version", tells=ollama.version),
    _ollama("GET", "/api/tags", tells=listing.tags),
    _ollama("GET", "/api/ps", tells=listing.ps),
    _ollama("POST", "/api/show", asks=showing.show, body=showing.ShowBody),
    _ollama("POST", "/api/pull", asks=pull, body=PullBody, manages=True),
    _ollama("POST", "/api/copy", asks=managing.copy, body=managing.CopyBody, manages=True),
    _ollama("POST", "/api/create", asks=creating.create, body=creating.CreateBody, manages=True),
    _ollama("DELETE", "/api/delete", asks=managing.delete, body=listing.NamedBody, manages=True),
    _ollama("POST", "/api/push", never=managing.PUSH),
    _ollama("HEAD", "/api/blobs/{digest}", tells=blobs.is_here, **SENT),
    _ollama("POST", "/api/blobs/{digest}", takes=blobs.take, **SENT),
]


def routes_with(metrics: Metrics, kept: Kept, page: Page) -> list[Route]:
    """The table, with the responses that are kept, these metrics, the page and what tells of all."""
    responses = Responses(kept)
    asked: dict[str, Any] = {"names": OF_RESPONSES, "body": ResponsesBody, "owned": True}
    kept_ones: dict[str, Any] = {"alone": True, "owned": True}
    table = [
        *ROUTES,
        *_openai("POST", "/responses", asks=responses.create, **asked),
        *_openai("POST", "/responses/input_tokens", asks=responses.count, **asked),
        *_openai("POST", "/responses/compact", never=COMPACT),
        *_openai("GET", "/responses/{id}", tells=responses.retrieve, query=RETRIEVE, **kept_ones),
        *_openai("DELETE", "/responses/{id}", tells=responses.delete, **kept_ones),
        *_openai("GET", "/responses/{id}/input_items", tells=responses.input_items, query=LIST, **kept_ones),
        *_openai("POST", "/responses/{id}/cancel", tells=responses.cancel, **kept_ones),
        _own("/metrics", tells=metrics.told, media_type=MEDIA_TYPE, alone=True, of_all=True),
        *page_routes(page),
    ]

    async def openapi(_: AsyncClient, __: Mapping[str, str]) -> bytes:
        return msgspec.json.encode(described(table))

    table.append(_own("/openapi.json", tells=openapi, alone=True))
    return table


def door_of(path: str, headers: Container[str] = ()) -> Callable[[AiPalError], Any]:
    """How an error is told at a path that need not be one of ours, to who sends these headers."""
    if path.startswith("/api/"):
        return ollama_error
    anthropics = VERSION in headers or path.removeprefix("/v1").startswith("/messages")
    return anthropic_error if anthropics else openai_error
