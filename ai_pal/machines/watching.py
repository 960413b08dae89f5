"""Whether the supervisor behind a link still speaks: the link's own beats tell of the link alone."""

import asyncio
from collections.abc import Awaitable, Callable

from ai_pal.transport.lease import LOOK, Lease

SPEECHLESS = 3.0
"""Seconds without a word after which it is given up."""

PING = 0.5
"""Seconds between an answer and the next question."""


async def until_silent(
    ask: Callable[[], Awaitable[object]], seconds: float = SPEECHLESS, ping: float = PING
) -> None:
    """Ask for any word, again and again; return when none came for so many seconds in which this process
    itself went on. Raises what `ask` raises."""
    now = asyncio.get_running_loop().time
    while True:
        lease, asked = Lease(seconds, now()), asyncio.ensure_future(ask())
        try:
            while not asked.done():
                await asyncio.wait([asked], timeout=LOOK)
                if not asked.done() and lease.over(now()):
                    return
            asked.result()
        finally:
            asked.cancel()
        await asyncio.sleep(ping)
