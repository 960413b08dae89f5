"""What is read for long before anybody is asked: a PDF takes minutes at worst. Meanwhile there are signs of
life, in the form that the answer will have, and who leaves has it ended."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial
from typing import Any, TypeVar

import msgspec

from ai_pal.attachments.pdf import called_off
from ai_pal.attachments.waiting import Wait, WaitsError, may_wait
from ai_pal.gateway.answering import sending
from ai_pal.gateway.answering.outgoing import EVENTS, FRESH, Outgoing
from ai_pal.gateway.asking.put import is_long
from ai_pal.gateway.ollama.answers import Lines
from ai_pal.gateway.route import Route
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.gateway.wire.one_line import one_line

T = TypeVar("T")

LONG = 16 * 1024
"""Bytes of a body from which on it is read in a thread, so that other streams go on."""

PDFS_AT_ONCE = 4
"""Bodies with such that are read at a time, each by a process that may take a gigabyte; the others wait, and
bodies without one do not."""

ANYWHERE = nullcontext()

COMMENT = b": reading what is attached\n\n"
"""Of streams of events."""


class _Head(msgspec.Struct):
    """What of a body says how it will be answered."""

    model: Any = ""
    stream: Any = None


_HEAD = msgspec.json.Decoder(_Head)


class Reader:
    """Reads bodies for all requests of one server."""

    def __init__(self) -> None:
        self._places: dict[Wait, AbstractAsyncContextManager[Any]] = {
            Wait.FILE: ANYWHERE,
            Wait.PROCESS: asyncio.Semaphore(PDFS_AT_ONCE),
        }

    async def read(self, read: Callable[[], T], route: Route, body: bytes, out: Outgoing) -> T:
        """What `read` gives: of a short body at once, if that waits for nothing; else from a thread, where
        the question is put together too. Raises as `read_aside`."""
        waits = Wait.FILE if len(body) > LONG else Wait.NOTHING
        while True:
            is_long.set(waits > Wait.NOTHING)  # a connection's next request inherits what is set
            here = partial(_waiting, waits, read)
            try:
                if waits == Wait.NOTHING:
                    return here()
                return await read_aside(here, route, body, out, self._places[waits])
            except WaitsError as error:
                waits = error.waits


def _waiting(waits: Wait, read: Callable[[], T]) -> T:
    """What it gives, where it waits for no more than this. Raises what it raises, and `WaitsError`."""
    before = may_wait.set(waits)
    try:
        return read()
    finally:
        may_wait.reset(before)


async def read_aside(
    read: Callable[[], T],
    route: Route,
    body: bytes,
    out: Outgoing,
    place: AbstractAsyncContextManager[Any] = ANYWHERE,
) -> T:
    """What `read` gives, in a thread, once it has its place. Raises what it raises, and `AiPalError`
    (`cancelled`) when the client leaves first."""
    loop = asyncio.get_running_loop()
    unwanted, begun = threading.Event(), False
    context = contextvars.copy_context()  # what is read for this request later is not called off with this
    context.run(called_off.set, unwanted)

    async def work() -> T:
        nonlocal begun
        async with place:
            begun = True
            return await loop.run_in_executor(None, context.run, read)

    reading = loop.create_task(work())
    left = loop.create_task(out.left())
    try:
        while not reading.done():
            await asyncio.wait((reading, left), timeout=sending.ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                raise LEFT
            if not reading.done():
                await _alive(route, body, out)
        return reading.result()
    finally:
        left.cancel()
        unwanted.set()
        if not begun:
            reading.cancel()
        with suppress(Exception, asyncio.CancelledError):
            await reading


async def _alive(route: Route, body: bytes, out: Outgoing) -> None:
    if out.spaced:
        await out.alive()
        return
    try:
        head = await asyncio.to_thread(decoded, body, _HEAD)
    except BodyError:
        head = _Head()
    streams = route.streams and (head.stream is True or (route.door == "ollama" and head.stream is None))
    if not streams:
        await out.alive()
        return
    kind, sign = EVENTS, COMMENT
    if route.door == "ollama":
        lines = Lines("generate" if route.path.endswith("generate") else "chat", str(head.model), time.time())
        kind, sign = lines.media_type, lines.alive(None)
    if not out.begun:
        out.streamed = kind
        await out.begin(200, [(b"content-type", kind.encode()), *FRESH])
    await out.piece(sign)


def as_event(told: dict[str, Any], media_type: str) -> bytes:
    """An error's body as the end of a stream that has begun."""
    data = one_line(told)
    if media_type != EVENTS:
        return data + b"\n"
    name = b"event: error\n" if told.get("type") == "error" else b""
    return name + b"data: " + data + b"\n\n"
