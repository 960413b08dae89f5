"""One answer on its way to an HTTP client: events in, bytes out, signs of life between them.

Its status waits a little for its first content, so that what fails at once is an error's status and no
stream. When its client leaves, the answer is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from ai_pal.client.async_stream import AsyncStream
from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.gateway.asked import Coming, Tells, Writer
from ai_pal.gateway.receipts import receipt
from ai_pal.gateway.record import Record
from ai_pal.protocol import client as wire

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATIENCE = 5.0
"""Seconds that the status of a stream waits for its first content."""

ALIVE = 8.0
"""Seconds without a byte after which a stream gives a sign of life; clients were promised ten."""

UNREAD = 60.0
"""Seconds after which a client that takes nothing is given up."""

TOLD = (wire.Queued, wire.Loading, wire.Pulling, wire.Reading)
"""What a sign of life can tell."""

FRESH = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
"""What keeps proxies from holding a stream back."""

LEFT = AiPalError(Failure(Code.CANCELLED, "the client left"))


STOPPING = Failure(Code.SHUTTING_DOWN, "this server is stopping", "ask again", retryable=True)


def told(error: AiPalError) -> Failure:
    """What a client hears of it: that we have left the supervisor means that we end."""
    return STOPPING if error.code == Code.CLIENT_CLOSED else error.failure


class Outgoing:
    """Where an answer goes: an ASGI connection. `always` are headers of each response; `record` is
    what becomes of it."""

    def __init__(self, receive: Receive, send: Send, always: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._receive, self._send, self.always = receive, send, always
        self.record = Record()
        self.begun = False

    async def begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Send the status; nothing can be taken back after it."""
        self.begun, self.record.status = True, status
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *self.always]}
        )

    async def body(self, data: bytes, *, more: bool = False) -> None:
        """Send a piece. Raises `AiPalError` (`cancelled`): the client takes nothing."""
        try:
            async with asyncio.timeout(UNREAD):
                await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except (TimeoutError, OSError):
            raise LEFT from None

    async def left(self) -> None:
        """Wait until the client is gone. What else it sends has no meaning."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def stream(answer: Coming | AsyncStream[Any], writer: Tells, out: Outgoing) -> None:
    """Send the answer as it comes, with exactly one end. Raises `AiPalError` for what failed before anything
    was sent, and (`cancelled`) when the client left."""
    await Streamed(answer, writer, out).run()


class Streamed:
    """An answer that goes out while it comes."""

    def __init__(self, answer: Coming | AsyncStream[Any], writer: Tells, out: Outgoing) -> None:
        self._answer, self._writer, self._out = answer, writer, out
        self._now = asyncio.get_running_loop().time
        self._due = self._now() + PATIENCE
        self._alarm: asyncio.TimerHandle | None = None
        self._started: wire.Started | None = None
        self._latest: wire.AnyEvent | None = None

    async def run(self) -> None:
        """Send all of it; raises as `stream`."""
        left = asyncio.ensure_future(self._out.left())
        left.add_done_callback(lambda _: self._answer.nudge())
        try:
            while not self._answer.over:
                self._arm()
                events = await self._answer.batch()
                if left.done():
                    raise LEFT
                await self._take(events)
            await self._out.body(b"")
        except AiPalError as error:
            if not self._out.begun or error is LEFT:
                raise
            self._out.record.failed(error.code)
            await self._out.body(self._writer.broken(told(error)))
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            left.cancel()
            await self._answer.aclose()

    def _arm(self) -> None:
        """Have the wait for events end when a sign of life is due. What is due moves on with each piece, so
        the alarm is set anew only when it has gone off."""
        if self._alarm is None or self._alarm.when() <= self._now():
            at = max(self._due, self._now() + 0.01)
            self._alarm = asyncio.get_running_loop().call_at(at, self._answer.nudge)

    async def _take(self, events: Sequence[wire.AnyEvent]) -> None:
        for event in events:
            self._heed(event)
        data = self._writer.events(events)
        due = self._now() >= self._due
        if not self._out.begun and (data or due):
            kind = (b"content-type", self._writer.media_type.encode())
            await self._out.begin(200, [kind, *FRESH, *receipt(self._started)])
        if due and not data:
            data = self._writer.alive(self._latest)
        if data:
            self._due = self._now() + ALIVE
            await self._out.body(data, more=True)

    def _heed(self, event: wire.AnyEvent) -> None:
        self._out.record.heard(event)
        if isinstance(event, TOLD):
            self._latest = event
        elif isinstance(event, wire.Started):
            self._started = event
        elif isinstance(event, wire.Failed) and not self._out.begun:
            raise AiPalError(main_reason(event.reasons))


async def whole(answer: Coming, writer: Writer, out: Outgoing) -> None:
    """Send the answer in one piece. Raises as `stream`."""
    said = await _to_its_end(answer, answer.answer(), out)
    out.record.answered(said)
    started = wire.Started(0, said.tier, said.provider, said.model, said.why, said.score, said.remote)
    await _send(writer.whole(said), receipt(started, said), out)


async def end(work: AsyncStream[Any], data: bytes, out: Outgoing) -> None:
    """Send this when the work is done. Raises as `stream`."""
    await _to_its_end(work, work.last(), out)
    await _send(data, [], out)


async def _send(data: bytes, headers: Sequence[tuple[bytes, bytes]], out: Outgoing) -> None:
    kind = (b"content-type", b"application/json")
    await out.begin(200, [kind, *headers, (b"content-length", str(len(data)).encode())])
    await out.body(data)


async def _to_its_end(work: Coming | AsyncStream[Any], last: Coroutine[Any, Any, T], out: Outgoing) -> T:
    """What the end gives; when the client leaves before it, the work is stopped."""
    try:
        return await unless_left(last, out)
    finally:
        await work.aclose()


async def unless_left(work: Coroutine[Any, Any, T], out: Outgoing) -> T:
    """What this gives; when the client leaves before it, it is cancelled. Raises as `stream`."""
    loop = asyncio.get_running_loop()
    left = loop.create_task(out.left())
    ending = loop.create_task(work)
    try:
        await asyncio.wait((left, ending), return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            raise LEFT
        return ending.result()
    finally:
        left.cancel()
        ending.cancel()
        with suppress(asyncio.CancelledError, AiPalError):
            await ending
