"""What one attempt sees of its connection, whichever SDK asks: what has left, and a bounded answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from ai_pal.egress.providers.answers.rewriting import Rewriting
from ai_pal.egress.providers.http.plain import Plain, Undecodable

UNUSED_LIMIT = 4 * 1024 * 1024
"""Bytes that a provider may send without any text of the answer in them."""

START = 2048
"""Bytes of a body that are kept, to be quoted where nothing is understood of it."""

ERROR_LIMIT, ERROR_SECONDS = 64 * 1024, 2.0
"""Of the body of an error: its status says the most, and does not wait for its words."""


class BadResponse(Exception):  # noqa: N818 (it never leaves the process)
    """The provider sent what no answer looks like."""


class Traffic:
    """What one attempt sees of its connection. `left` becomes true, and `on_left` is called, before the first
    byte of the body is sent to whoever answers or passes it on; `sent` and `on_sent` when all of it is out.
    What a tunnel is asked for with does not count. `url` is what was asked, `tls` whom the last TLS handshake
    was with. `rewriting` is how the answer is read for its SDK, `start` the beginning of the last body."""

    def __init__(
        self, on_left: Callable[[], None] = lambda: None, on_sent: Callable[[], None] = lambda: None
    ) -> None:
        self.left = self.sent = False
        self.start = b""
        self.url = self.tls = ""
        self.rewriting: Rewriting | None = None
        self._on_left, self._on_sent = on_left, on_sent
        self._tunnels = False
        self._unused = 0

    def used(self) -> None:
        """Text, or a thought, has come out of what was received."""
        self._unused = 0

    def leaves(self) -> None:
        """The request begins to go out."""
        if not self.left:
            self.left = True
            self._on_left()

    def is_out(self) -> None:
        """All of it has gone."""
        if not self.sent:
            self.sent = True
            self._on_sent()

    def received(self, data: bytes) -> None:
        if len(self.start) < START:
            self.start += data[:START]
        self._unused += len(data)
        if self._unused > UNUSED_LIMIT:
            raise BadResponse(f"over {UNUSED_LIMIT} bytes without text")

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Called by the HTTP library at each step."""
        step = event.partition(".")[2]
        if step == "start_tls.started":
            self.tls = str(info.get("server_hostname") or "")
        elif step == "send_request_headers.started":
            self._tunnels = info["request"].method == b"CONNECT"
        elif step == "send_request_body.started" and not self._tunnels:
            self.leaves()
        elif step == "send_request_body.complete" and not self._tunnels:
            self.is_out()


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


def watched() -> Traffic:
    """The attempt that this task is part of."""
    return _traffic.get() or Traffic()


def read_through(rewriting: Rewriting) -> Rewriting:
    """The answer that this task asks for is read so before its SDK sees it."""
    traffic = _traffic.get()
    if traffic is not None:
        traffic.rewriting = rewriting
    return rewriting


async def traced(request: Any) -> None:
    """An event hook: the steps of this request are told to its attempt."""
    request.headers["accept-encoding"] = "identity"
    traffic = _traffic.get()
    if traffic is not None:
        traffic.url = str(request.url)
        request.extensions.setdefault("trace", traffic.trace)


class Reading:
    """One body: made plain, counted by its attempt, and rewritten where an SDK is to read an answer from it.
    Raises `BadResponse`, and what rewriting raises. `answers`: it is no error's."""

    def __init__(self, traffic: Traffic, headers: Any, *, answers: bool) -> None:
        self._traffic, self.answers = traffic, answers
        traffic.start = b""
        coding = headers.pop("content-encoding", "")
        self._plain: Plain | None = None
        try:
            self._plain = Plain(coding)
        except Undecodable as error:
            if answers:
                raise BadResponse(str(error)) from None
        self._rewriting = traffic.rewriting if answers else None
        if self._rewriting is not None:
            self._rewriting.begin(charset(headers))
            headers["content-type"] = "text/event-stream; charset=utf-8"

    def feed(self, raw: bytes) -> Iterator[bytes]:
        if self._plain is not None:
            yield from self._read(self._plain.feed(raw))

    def close(self) -> Iterator[bytes]:
        if self._plain is not None:
            yield from self._read(self._plain.close())
        if self._rewriting is not None:
            yield from self._rewriting.close()

    def _read(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        if self._rewriting is not None and self._rewriting.ended:
            return  # what an SDK still reads after the end, to keep the connection
        try:
            for data in pieces:
                self._traffic.received(data)
                if self._rewriting is None:
                    yield data
                else:
                    yield from self._rewriting.feed(data)
        except Undecodable as error:
            raise BadResponse(str(error)) from None


def bounded(stream_class: type) -> Callable[[Any], Any]:
    """An event hook: the body of the response comes through a `Reading`."""

    class Body(stream_class):  # type: ignore[misc]
        def __init__(self, stream: Any, reading: Reading) -> None:
            self._stream, self._reading = stream, reading

        async def __aiter__(self) -> AsyncIterator[bytes]:
            if not self._reading.answers:
                yield await _words(self._stream, self._reading)
                return
            async for raw in self._stream:
                for data in self._reading.feed(raw):
                    yield data
            for data in self._reading.close():
                yield data

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def hook(response: Any) -> None:
        traffic = _traffic.get() or Traffic()
        response.stream = Body(
            response.stream, Reading(traffic, response.headers, answers=response.is_success)
        )

    return hook


async def _words(stream: Any, reading: Reading) -> bytes:
    """What an error says, as far as it can be read: a body that is cut, hangs or is compressed in some way
    takes nothing from the status."""
    said = b""
    with suppress(Exception):
        async with asyncio.timeout(ERROR_SECONDS):
            async for raw in stream:
                for data in reading.feed(raw):
                    said += data
                    if len(said) >= ERROR_LIMIT:
                        return said[:ERROR_LIMIT]
            said += b"".join(reading.close())
    return said


def charset(headers: Any) -> str:
    """The charset that a Content-Type names, or nothing."""
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", headers.get("content-type", ""), re.IGNORECASE)
    return found[1] if found else ""
