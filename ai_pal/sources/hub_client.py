"""The HTTP client below huggingface_hub: proxies and certificates are those that count for providers too."""

import os
import threading

import httpx2
from huggingface_hub import set_client_factory
from huggingface_hub.utils._http import hf_request_event_hook

from ai_pal.network.library import Ways
from ai_pal.network.proxies import Proxy, proxy_for
from ai_pal.network.reasons import refusal
from ai_pal.network.trouble import Blocked


class Routed(httpx2.BaseTransport):
    """Sends each request on its own way: a redirect may lead to where another proxy stands, or none."""

    def __init__(self) -> None:
        self._ways = Ways()
        self._lock = threading.Lock()
        self._transports: dict[tuple[Proxy | None, bool], httpx2.HTTPTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        transport = self._transport(proxy_for(url, os.environ), request.url.scheme == "https")
        response = transport.handle_request(request)
        trouble = refusal(url, response.status_code, response.headers, os.environ)
        if trouble is None:
            return response
        response.close()
        raise Blocked(trouble.reason, trouble.hint)

    def close(self) -> None:
        with self._lock:
            for transport in self._transports.values():
                transport.close()
            self._transports.clear()

    def _transport(self, proxy: Proxy | None, secure: bool) -> httpx2.HTTPTransport:
        with self._lock:
            found = self._transports.get((proxy, secure))
            if found is None:
                options = self._ways.options(httpx2, proxy, secure=secure)
                found = self._transports[proxy, secure] = httpx2.HTTPTransport(**options)
            return found


class _Once:
    """Another factory closes the client that is in use, so it is set once for all downloads."""

    def __init__(self) -> None:
        self._lock, self._done = threading.Lock(), False

    def __call__(self) -> None:
        with self._lock:
            if not self._done:
                set_client_factory(_client)
                self._done = True


use = _Once()
"""Let huggingface_hub ask through `Routed`, in every thread from now on."""


def _client() -> httpx2.Client:
    return httpx2.Client(
        transport=Routed(),
        trust_env=False,
        event_hooks={"request": [hf_request_event_hook]},
        follow_redirects=True,
        timeout=None,
    )
