"""The HTTP clients below all SDKs: no redirects, no retries, no proxies to this machine, bounded bodies."""

import os
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ai_pal.egress.providers.http.traffic import bounded, traced
from ai_pal.network.library import Ways
from ai_pal.network.proxies import proxy_for
from ai_pal.network.reasons import refusal
from ai_pal.network.trouble import Blocked

KEPT_SECONDS = 2.0
"""A connection that nobody uses is kept for so long. Many servers close it after 5 s, and who sends into one
that is being closed has lost the prompt."""

ITSELF = 508
"""Loop Detected (RFC 5842, 7.2): what our own gateway answers us."""

KEPT = 8
"""Connections with TLS that are kept for the next prompt. Those without are mostly to servers near by, which
cost 0.1 ms to reach anew; llama.cpp's closes its own after each stream without saying so."""


class Clients:
    """HTTP clients, shared by all attempts so that connections can be kept. One per library, for SDKs differ
    in theirs, and per way out: the libraries read nothing from the environment themselves."""

    def __init__(self, via: str = "") -> None:
        """`via` goes with what is asked without TLS: our own gateway knows us by it."""
        self._clients: dict[tuple[str, str, bool, str], Any] = {}
        self._signed = {"via": via} if via else {}
        self._ways = Ways()

    def client(self, library: ModuleType, base_url: str, certificate: str = "") -> Any:
        """A client of `httpx` or `httpx2` for the server there; with a `certificate` that one alone is
        trusted. Its own timeouts are off: the attempt has them. Raises `Blocked`."""
        proxy = proxy_for(base_url, os.environ)
        secure = urlsplit(base_url).scheme == "https"
        key = (library.__name__, proxy.url if proxy is not None else "", secure, certificate)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = library.AsyncClient(
                **self._ways.options(library, proxy, secure=secure, certificate=certificate),
                follow_redirects=False,  # a prompt and a key go where they were sent, nowhere else
                timeout=None,
                headers={} if secure else self._signed,
                limits=library.Limits(
                    max_connections=None,
                    max_keepalive_connections=KEPT if secure else 0,
                    keepalive_expiry=KEPT_SECONDS,
                ),
                event_hooks={
                    "request": [traced],
                    "response": [_let_through, bounded(library.AsyncByteStream)],
                },
            )
        return client


async def _let_through(response: Any) -> None:
    """What a proxy says of itself, in place of the server behind it, is no answer. Raises `Blocked`."""
    url = str(response.request.url)
    trouble = refusal(url, response.status_code, response.headers, os.environ)
    if trouble is not None:
        raise Blocked(trouble.reason, trouble.hint)
    if response.status_code == ITSELF:
        raise Blocked("this is AI-PAL's own server", "set OLLAMA_HOST or base_url to the one that is meant")
