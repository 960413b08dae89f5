"""Waiting for a provider that may have to load its model first: signs of life until it begins."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from ai_pal.egress.providers.answers.pieces import AnswerEvent, CallPiece, Thought, Waiting

SIGN_SECONDS = 2.0
"""Between two signs."""


async def lively(
    events: AsyncGenerator[AnswerEvent, None],
    lives: Callable[[], Awaitable[bool]],
    every: float = SIGN_SECONDS,
) -> AsyncGenerator[AnswerEvent, None]:
    """The events, and while nothing is said, thought or called, whether the provider `lives`, each time."""
    try:
        begun = False
        while not begun:
            upcoming = asyncio.ensure_future(anext(events, None))
            try:
                while not upcoming.done():
                    await asyncio.wait({upcoming}, timeout=every)
                    if not upcoming.done():
                        yield Waiting(lives=await lives())
            finally:
                upcoming.cancel()  # does nothing to one that is done
                await asyncio.wait({upcoming})
            event = upcoming.result()
            if event is None:
                return
            yield event
            begun = isinstance(event, str | Thought | CallPiece)
        async for event in events:
            yield event
    finally:
        await events.aclose()
