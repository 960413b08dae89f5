"""The table of routes: every path that is answered, whose protocol it speaks, and what carries it out."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.gateway.asked import Asked
from ai_pal.gateway.openai import doors as openai
from ai_pal.gateway.openai.errors import error_body as openai_error

Reads = Callable[[bytes], Asked]
"""Reads a question out of a body; it is answered as a stream or as a whole."""

Tells = Callable[[AsyncClient, dict[str, Any]], Awaitable[bytes]]
"""Carries out what is no question, given the parameters of the path; gives a body of JSON."""


class Route(NamedTuple):
    """One method of one path. `error` makes the body of a failure; `form`: JSON may come as a form."""

    method: str
    path: str
    error: Callable[[AiPalError], Any]
    asks: Reads | None = None
    tells: Tells | None = None
    form: bool = False


def _openai(method: str, path: str, **what: Any) -> list[Route]:
    """With and without `/v1`: some clients leave it out."""
    return [Route(method, prefix + path, openai_error, **what) for prefix in ("/v1", "")]


ROUTES: list[Route] = [
    *_openai("POST", "/chat/completions", asks=openai.chat_completions),
    *_openai("GET", "/models", tells=openai.models),
    *_openai("GET", "/models/{id:path}", tells=openai.model),
]
