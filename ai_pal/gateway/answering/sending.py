"""Sends one answer to an HTTP client: events in, bytes out, signs of life between them.

The status waits a little for the first content, so that a request which fails at once is answered with the
status of its error and not with a stream. When the client leaves, the answer is cancelled."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from ai_pal.client.async_stream import AsyncStream
from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.gateway.answering import outgoing
from ai_pal.gateway.answering.outgoing import EVENTS, FRESH, Outgoing, headers_of
from ai_pal.gateway.answering.receipts import Headers, beside, receipt, spent, within
from ai_pal.gateway.asking.asked import Coming, Goes, Tells, Writer
from ai_pal.gateway.asking.put import done
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.logs import get_logger
from ai_pal.protocol import client as wire

log = get_logger("ai_pal.gateway")

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that the status of a stream waits for its first content."""

ALIVE = 8.0
"""Seconds without a byte after which a stream gives a sign of life; clients were promised ten."""

LOOK = 1.0
"""Seconds between two looks at a stream that is late."""

SAID = (wire.Delta, wire.Logprobs)
"""What only its writer looks at."""

TOLD = (wire.Queued, wire.Loading, wire.Pulling, wire.Reading)
"""What a sign of life can tell."""

STOPPING = Failure(Code.SHUTTING_DOWN, "this server is stopping", "ask again", retryable=True)


def told(error: AiPalError) -> Failure:
    """What a client hears of it: that we have left the supervisor means that we end."""
    return STOPPING if error.code == Code.CLIENT_CLOSED else error.failure


def failed_by(error: Exception) -> Failure:
    """What a client hears of a fault of ours."""
    return Failure(Code.INTERNAL, f"the gateway failed ({type(error).__name__})", "its log tells more")


async def stream(answer: Goes, writer: Tells, out: Outgoing) -> None:
    """Send the answer as it comes, with exactly one end. Raises `AiPalError` for what failed before anything
    was sent, and (`cancelled`) when the client left."""
    await Streamed(answer, writer, out).run()


class Streamed:
    """An answer that goes out while it comes."""

    def __init__(self, answer: Goes, writer: Tells, out: Outgoing) -> None:
        self._answer, self._writer, self._out = answer, writer, out
        self._loop = asyncio.get_running_loop()
        self._now, self._limit = self._loop.time, asyncio.timeout(None)
        self._due = self._now() + PATIENCE
        self._alarm: asyncio.TimerHandle | None = None
        self._started: wire.Started | None = None
        self._latest: wire.AnyEvent | None = None
        self._late: Headers = []
        self._spent: Headers = []
        self._quick = True

    async def run(self) -> None:
        """Send all of it; raises as `stream`."""
        left = asyncio.ensure_future(self._out.left())
        left.add_done_callback(lambda _: self._answer.nudge())
        self._watch()
        try:
            await self._all_of_it(left)
            if not self._out.begun:  # who follows may have heard all of it before
                await self._begin()
            await self._out.body(b"")
        except AiPalError as error:
            if not self._out.begun or error is LEFT:
                raise
            self._out.record.failed(error.code)
            await self._out.body(self._writer.broken(told(error)))
        except Exception as error:
            if not self._out.begun:
                raise
            log.exception("stream_failed")
            self._out.record.failed(Code.INTERNAL)
            await self._out.body(self._writer.broken(failed_by(error)))
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            left.cancel()
            await self._answer.aclose()

    async def _all_of_it(self, left: "asyncio.Future[None]") -> None:
        try:
            async with self._limit:
                while not self._answer.over:
                    events = await self._answer.batch()
                    if left.done():
                        raise LEFT
                    await self._take(events)
        except (TimeoutError, OSError):
            raise LEFT from None

    def _watch(self) -> None:
        """Look every few seconds whether a sign of life is due, or the client takes nothing."""
        now, late = self._now(), self._now() - self._due
        if self._out.sending:
            if late >= outgoing.UNREAD - ALIVE:
                self._limit.reschedule(now)
        elif late >= 0:
            self._answer.nudge()
        at = self._due if late < 0 else now + LOOK
        self._alarm = self._loop.call_at(at, self._watch)

    async def _take(self, events: Sequence[wire.AnyEvent]) -> None:
        for event in events:
            if not isinstance(event, SAID):
                self._note(event)
        write = partial(self._writer.events, events)
        data = await done(write) if self._answer.over else write()  # its end tells, or keeps, all of it
        now = self._now()
        due = now >= self._due
        if not self._out.begun and (data or due):
            await self._begin()
        if due and not data:
            data = self._writer.alive(self._latest)
        if data:
            if self._late or self._spent:
                data = self._with_late(data)
            self._due = now + ALIVE
            await self._out.piece(data)

    async def _begin(self) -> None:
        kind = (b"content-type", self._writer.media_type.encode())
        await self._out.begin(200, [kind, *FRESH, *receipt(self._started)])

    def _with_late(self, data: bytes) -> bytes:
        """What the headers could not tell, before this; the last figures with what ends it."""
        kind, late, self._late = self._writer.media_type, self._late, []
        if kind == EVENTS:
            late, self._spent = [*late, *self._spent], []
            return beside(late) + data
        return within(self._writer.alive(None), late) + data if late else data

    def _note(self, event: wire.AnyEvent) -> None:
        self._out.record.heard(event)
        if isinstance(event, TOLD):
            self._latest = event
        elif isinstance(event, wire.Started):
            self._started = event
            if self._out.begun:
                self._late, self._quick = receipt(event), False
        elif isinstance(event, wire.Done) and not self._quick:
            # Some read no comments: they get none where the headers have told who answers.
            self._spent = spent(event)
        elif isinstance(event, wire.Failed) and not self._out.begun:
            raise AiPalError(main_reason(event.reasons))


async def whole(answer: Coming, writer: Writer, out: Outgoing) -> None:
    """Send the answer in one piece. Raises as `stream`."""
    said = await _to_its_end(answer, answer.answer(), out)
    out.record.answered(said)
    started = wire.Started(0, said.tier, said.provider, said.model, said.why, said.score, said.remote)
    await _send(await done(partial(writer.whole, said)), receipt(started, said), out)


async def end(work: AsyncStream[Any], data: bytes, out: Outgoing) -> None:
    """Send this when the work is done. Raises as `stream`."""
    await _to_its_end(work, work.last(), out)
    await _send(data, [], out)


async def _send(data: bytes, known: Headers, out: Outgoing) -> None:
    if out.begun:
        data, known = within(data, known), []
    await out.whole(data, [*headers_of(data), *known])


async def _to_its_end(work: Coming | AsyncStream[Any], last: Coroutine[Any, Any, T], out: Outgoing) -> T:
    """What the end gives; when the client leaves before it, the work is stopped."""
    try:
        return await unless_left(last, out)
    finally:
        await work.aclose()


async def unless_left(work: Coroutine[Any, Any, T], out: Outgoing) -> T:
    """What this gives, as JSON in one piece: spaces go out until it is there. When the client leaves before
    it, it is cancelled. Raises as `stream`."""
    loop = asyncio.get_running_loop()
    left = loop.create_task(out.left())
    ending = loop.create_task(work)
    try:
        while not left.done() and not ending.done():
            await asyncio.wait((left, ending), timeout=ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if not left.done() and not ending.done():
                await out.alive()
        if not ending.done():
            raise LEFT
        return ending.result()
    finally:
        left.cancel()
        ending.cancel()
        with suppress(asyncio.CancelledError, AiPalError):
            await ending
