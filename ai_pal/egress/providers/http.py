"""The HTTP clients below all SDKs: no redirects, no retries, no proxies to this machine, bounded bodies."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from ai_pal import privacy

UNUSED_LIMIT = 4 * 1024 * 1024
"""Bytes that a provider may send without any text of the answer in them."""


class BadResponse(Exception):  # noqa: N818 (it never leaves the process)
    """The provider sent what no answer looks like."""


class Traffic:
    """What one attempt sees of its connection. `sent` becomes true, and `on_sent` is called, when the
    request is out. `watch` sees all bytes of the answer and may raise `BadResponse`."""

    def __init__(self, on_sent: Callable[[], None]) -> None:
        self.sent = False
        self.watch: Callable[[bytes], None] | None = None
        self._on_sent = on_sent
        self._unused = 0

    def used(self) -> None:
        """Text has come out of what was received."""
        self._unused = 0

    def received(self, data: bytes) -> None:
        self._unused += len(data)
        if self._unused > UNUSED_LIMIT:
            raise BadResponse(f"over {UNUSED_LIMIT} bytes without text")
        if self.watch is not None:
            self.watch(data)

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by the HTTP library at each step."""
        if event.endswith("send_request_body.complete") and not self.sent:
            self.sent = True
            self._on_sent()


async def unseen(event: str, info: dict[str, Any]) -> None:
    """A trace for requests that are no attempt."""


_traffic: ContextVar[Traffic | None] = ContextVar("traffic", default=None)


@contextmanager
def watching(traffic: Traffic) -> Iterator[None]:
    """What this task sends and receives belongs to this attempt."""
    token = _traffic.set(traffic)
    try:
        yield
    finally:
        _traffic.reset(token)


def watch(check: Callable[[bytes], None]) -> None:
    """Let `check` see the bytes of this task's answer."""
    traffic = _traffic.get()
    if traffic is not None:
        traffic.watch = check


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
                event_hooks={"request": [_traced], "response": [_bounded(library.AsyncByteStream)]},
            )
        return client


async def _traced(request: Any) -> None:
    request.headers["accept-encoding"] = "identity"
    traffic = _traffic.get()
    if traffic is not None:
        request.extensions.setdefault("trace", traffic.trace)


def _bounded(stream_class: type) -> Callable[[Any], Any]:
    class Bounded(stream_class):  # type: ignore[misc]
        """A response's body, counted as it comes."""

        def __init__(self, stream: Any, traffic: Traffic) -> None:
            self._stream, self._traffic = stream, traffic

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for data in self._stream:
                self._traffic.received(data)
                yield data

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def hook(response: Any) -> None:
        traffic = _traffic.get() or Traffic(lambda: None)
        response.stream = Bounded(response.stream, traffic)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadResponse("compressed, though nobody asked for that")

    return hook
