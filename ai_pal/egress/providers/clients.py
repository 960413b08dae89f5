"""The HTTP clients below all SDKs: no redirects, no retries, no proxies to this machine, bounded bodies."""

from types import ModuleType
from typing import Any

from ai_pal import privacy
from ai_pal.egress.providers.http import bounded, traced


class Clients:
    """HTTP clients, shared by all attempts so that connections can be kept. One per library, for SDKs differ
    in theirs, and one more for servers on this machine, which no proxy stands before."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, bool], Any] = {}

    def client(self, library: ModuleType, base_url: str) -> Any:
        """A client of `httpx` or `httpx2` for servers such as this one. Its own timeouts are off: the
        attempt has them."""
        here = privacy.is_loopback(base_url)
        client = self._clients.get((library.__name__, here))
        if client is None:
            client = self._clients[library.__name__, here] = library.AsyncClient(
                trust_env=not here,
                follow_redirects=False,  # a prompt and a key go where they were sent, nowhere else
                timeout=None,
                limits=library.Limits(max_connections=None, max_keepalive_connections=8),
                event_hooks={"request": [traced], "response": [bounded(library.AsyncByteStream)]},
            )
        return client
