"""What is long: questions are looked at and put together in a thread, and answers ended there, so that other
streams go on."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import TypeVar

from ai_pal.client.async_stream import AsyncAnswerStream
from ai_pal.gateway.asking.starting import Starting

T = TypeVar("T")

LARGE = 256 * 1024
"""Bytes of vectors that take some milliseconds to be written."""

is_long: ContextVar[bool] = ContextVar("is_long", default=False)
"""Whether this request is: its body, or what it goes on with."""


def put(ask: Callable[[], AsyncAnswerStream]) -> AsyncAnswerStream | Starting:
    """What `ask` begins. Raises what it raises, of a long question where that is waited for."""
    return Starting(_aside(ask)) if is_long.get() else ask()


async def _aside(ask: Callable[[], AsyncAnswerStream]) -> AsyncAnswerStream:
    asking = asyncio.get_running_loop().run_in_executor(None, copy_context().run, ask)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        asking.add_done_callback(_let_go)
        raise


def _let_go(asked: "asyncio.Future[AsyncAnswerStream]") -> None:
    """Nobody waits for it any more."""
    if not asked.cancelled() and asked.exception() is None:
        asked.result().cancel()


async def done(work: Callable[[], T], size: int = 0) -> T:
    """What this work for the request gives, which is as long as that, or as these bytes. It is not cut off:
    who is cancelled meanwhile has it."""
    if not is_long.get() and size < LARGE:
        return work()
    working = asyncio.ensure_future(asyncio.to_thread(work))
    while True:
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if working.cancelled():
                raise
