"""HTTP/1 as uvicorn speaks it, but for what it lets pass: requests with two meanings, trailers as headers, an
upgrade that swallows the body, requests behind a request whose client is gone, chunks for HTTP/1.0."""

import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.framing import UnfitError, fit, origin_form, without_upgrade
from ai_pal.gateway.wire.statuses import StatusError
from ai_pal.logs import get_logger

MOST_WAITING = 16
"""Requests of one connection that wait for the one before them and are read already."""

WRAPPING = 8
"""Bytes around each byte of a body that are taken; one alone in its chunk has five."""

log = get_logger("ai_pal.gateway")

Tells = Callable[[AiPalError], Any]


class Cycle(RequestResponseCycle):
    """One request and its response. `last`: the connection ends with it; HTTP/1.0 has no other sign of the
    end of a stream."""

    last = False
    _uncounted = False

    def send(self, message: Any) -> Coroutine[Any, Any, None]:
        """No coroutine of its own for a piece: there are many."""
        if message["type"] == "http.response.start":
            return self._begin(message)
        if self._uncounted:
            self.expected_content_length = len(message.get("body", b""))
        return super().send(message)

    async def _begin(self, message: Any) -> None:
        named = any(name.lower() == b"content-length" for name, _ in message["headers"])
        if self.scope["http_version"] == "1.0" and not named:
            self._uncounted, self.chunked_encoding = True, False
        await super().send(message)
        self.last, self.keep_alive = not self.keep_alive, True


class Strict(HttpToolsProtocol):
    """A connection. `in_head`: a request's head is awaited or comes; `over`: nothing more is heard, what
    comes is passed over; `told_by` says how a path's protocol tells errors."""

    def __init__(self, *args: Any, most_head: int, told_by: Callable[[str], Tells], **more: Any) -> None:
        super().__init__(*args, **more)
        self._most_head, self._told_by = most_head, told_by
        self.in_head, self.over, self.url = True, False, b""
        self._whole, self._upgrades = True, False
        self._loose = self._bodied = 0
        self._active: Cycle | None = None
        self._ends_after: Cycle | None = None

    @property
    def worded(self) -> bool:
        """Whether something of a head has come."""
        return self.in_head and self._loose > 0

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in (self._active, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                _gone(cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.over or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._loose += len(data)
        try:
            self._feed(data)
            if self._loose > self._most_head + WRAPPING * self._bodied:
                raise _TOO_LARGE if self.in_head else UnfitError(400, "the body is mostly wrapping")
        except httptools.HttpParserError as error:
            why = error.__context__
            self._stop(
                why
                if isinstance(why, UnfitError)
                else UnfitError(400, "the request cannot be read as HTTP/1.1")
            )
        except UnfitError as why:
            self._stop(why)
        else:
            if len(self.pipeline) < MOST_WAITING and self.pipeline:
                self._hear()

    def _hear(self) -> None:
        """Where requests wait uvicorn reads no more, and would not hear that their client leaves."""
        if len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as found:
                head = without_upgrade(
                    self.parser.get_http_version(), self.parser.get_method(), self.url, self.headers
                )
                data, self._upgrades = head + data[found.args[0] :], False
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def on_message_begin(self) -> None:
        self.in_head, self._loose, self._bodied = True, max(self._loose, 1), 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # what comes behind a body is no header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_head, self._loose = False, 0
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._most_head:
            raise _TOO_LARGE
        version, method = self.parser.get_http_version(), self.parser.get_method()
        fine = fit(version, method, self.headers)
        if self.parser.should_upgrade():
            self._upgrades = True
            return
        self.url, self.headers[:] = origin_form(self.url, fine)
        self._whole = False
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle
        assert isinstance(cycle, Cycle)
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._loose -= len(body)
        self._bodied += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head, self._loose = True, 0
        if not self._upgrades:
            self._whole = True
            super().on_message_complete()

    def on_response_complete(self) -> None:
        done = self._active
        if done is not None and (done.last or done is self._ends_after):
            self._close(unread=done is self.cycle and not self._whole)
        super().on_response_complete()

    def _stop(self, why: UnfitError) -> None:
        """Read no further. What was asked before is answered first."""
        active, self.over = self._active, True
        if active is None or active.response_complete:
            self.refuse(why)
        elif active is self.cycle and not self._whole:
            if not active.response_started:
                self.refuse(why)
            else:
                self.transport.close()
            _gone(active)
        else:
            if self.pipeline and not self._whole:
                self.pipeline.popleft()
            newest = self.pipeline[0][0] if self.pipeline else active
            assert isinstance(newest, RequestResponseCycle)
            self._ends_after = newest  # type: ignore[assignment]  # a `Cycle` once it is begun
            self.flow.resume_reading()

    def refuse(
        self, why: UnfitError, more: Sequence[tuple[bytes, bytes]] = (), *, linger: bool = True
    ) -> None:
        """Answer with this; the connection ends. Its request is in the log as others are."""
        path = self.url.partition(b"?")[0].decode("latin-1")
        error = StatusError(why.status, Failure(Code.BAD_REQUEST, why.message))
        body = msgspec.json.encode(self._told_by(path)(error))
        name = f"req_{secrets.token_hex(12)}".encode()
        headers = [
            *self.server_state.default_headers,
            *((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))),
            *((b"x-request-id", name), (b"request-id", name), (b"connection", b"close")),
            *more,
        ]
        lines = b"".join(b"%s: %s\r\n" % pair for pair in headers)
        self.transport.write(STATUS_LINE[why.status] + lines + b"\r\n" + body)
        log.info("request", path=path, status=why.status, reason=why.message)
        self._close(unread=linger)

    def _close(self, *, unread: bool) -> None:
        """End it. With a connection that is closed while its client still sends, the answer is lost: so that
        is passed over, until whoever looks after connections has enough of it."""
        self.over = True
        self.pipeline.clear()
        if unread and self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.transport.close()


_TOO_LARGE = UnfitError(431, "the head of the request is too large")


def _gone(cycle: RequestResponseCycle) -> None:
    """Tell whoever answers it that nobody listens."""
    cycle.disconnected = True
    cycle.message_event.set()
