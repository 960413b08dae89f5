"""Where an answer goes: the response side of one ASGI connection, and what has become of it."""

import asyncio
from collections.abc import Sequence

from ai_pal.gateway.access.admission import JSON
from ai_pal.gateway.answering.receipts import Headers
from ai_pal.gateway.answering.record import Record
from ai_pal.gateway.wire.asgi import LEFT, Receive, Send

EVENTS = "text/event-stream"

FRESH = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
"""What keeps proxies from holding a stream back."""

UNREAD = 60.0
"""Seconds after which a client that takes nothing is given up."""


def headers_of(body: bytes, media_type: str = JSON) -> Headers:
    """Of a body in one piece; where there is none, it is of no type, or clients read it as such."""
    kind = [(b"content-type", media_type.encode())] if body else []
    return [*kind, (b"content-length", str(len(body)).encode())]


class Outgoing:
    """Where an answer goes: an ASGI connection. `always` are headers of each response; `record` is
    what becomes of it; `streamed` is the media type of a stream that begins before its request is read."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        always: Sequence[tuple[bytes, bytes]] = (),
        request_id: str = "req",
    ) -> None:
        self._receive, self._send, self.request_id = receive, send, request_id
        # As OpenAI's and Anthropic's SDKs look for it.
        self.named = [(name, request_id.encode()) for name in (b"x-request-id", b"request-id")]
        self.always = [*always, *self.named]
        self.record = Record()
        self.begun = self.sending = self.spaced = False
        self.streamed = ""

    async def begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Send the status; nothing can be taken back after it."""
        self.begun, self.record.status = True, status
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *self.always]}
        )

    async def body(self, data: bytes) -> None:
        """Send all, or the last piece. Raises `AiPalError` (`cancelled`): the client takes nothing."""
        try:
            async with asyncio.timeout(UNREAD):
                await self._send({"type": "http.response.body", "body": data, "more_body": False})
        except (TimeoutError, OSError):
            raise LEFT from None

    async def whole(self, data: bytes, headers: Sequence[tuple[bytes, bytes]], status: int = 200) -> None:
        """Send a body in one piece, behind its headers; or behind the signs of life that have gone out, which
        said that all is well: then it alone says what it is."""
        if not self.begun:
            await self.begin(status, headers)
        await self.body(data)

    async def alive(self) -> None:
        """A sign of life of a body in one piece: JSON may begin with spaces."""
        if not self.begun:
            self.spaced = True
            await self.begin(200, [(b"content-type", JSON.encode()), *FRESH])
        await self.piece(b" ")

    async def piece(self, data: bytes) -> None:
        """Send a piece; more follow. Whoever calls sees to it that this does not last for ever: meanwhile
        it is `sending`."""
        self.sending = True
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.sending = False

    async def left(self) -> None:
        """Wait until the client is gone. What else it sends has no meaning."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
