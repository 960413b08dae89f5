"""What one attempt sees of its connection, whichever SDK asks: what has left, and a bounded answer."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

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


async def traced(request: Any) -> None:
    """An event hook: the steps of this request are told to its attempt."""
    request.headers["accept-encoding"] = "identity"
    traffic = _traffic.get()
    if traffic is not None:
        request.extensions.setdefault("trace", traffic.trace)


def bounded(stream_class: type) -> Callable[[Any], Any]:
    """An event hook: the bytes of the answer are counted and seen by its attempt."""

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
