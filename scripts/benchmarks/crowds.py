"""Several answers at once through client, supervisor and worker, as their reader sees them."""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions

Asked = tuple[list[Message], int]
"""A conversation, and the tokens of its answer."""


class Together(msgspec.Struct):
    """Seconds to the first text of each, in their order, tokens of all, seconds until the last has ended, and
    the longest time that each stood still once it had begun."""

    firsts: list[float] = []
    tokens: int = 0
    seconds: float = 0.0
    gaps: list[float] = []

    @property
    def speed(self) -> float:
        """Tokens per second of all together."""
        return self.tokens / self.seconds


def at_once(endpoint: str, model: str, asked: Sequence[Asked], later: float = 0.0) -> Together:
    """Ask all of it at once; the last one so many seconds later."""
    return asyncio.run(_at_once(endpoint, model, asked, later))


async def _at_once(endpoint: str, model: str, asked: Sequence[Asked], later: float) -> Together:
    async with AsyncClient(endpoint) as client:
        begun = time.perf_counter()
        delays = [0.0] * (len(asked) - 1) + [later]
        answers = [_one(client, model, *one, delay) for one, delay in zip(asked, delays, strict=True)]
        found = await asyncio.gather(*answers)
        seconds = time.perf_counter() - begun
    return Together(
        [first for first, _, _ in found],
        sum(tokens for _, tokens, _ in found),
        seconds,
        [gap for *_, gap in found],
    )


async def _one(
    client: AsyncClient, model: str, messages: list[Message], tokens: int, delay: float
) -> tuple[float, int, float]:
    await asyncio.sleep(delay)
    how = GenerationOptions(temperature=0.0, max_tokens=tokens, extra={"ignore_eos": True})
    asked = time.perf_counter()
    first = last = gap = 0.0
    count = 0
    async for event in client.chat(messages, model=model, options=how):
        if isinstance(event, wire.Delta):
            now = time.perf_counter()
            first, gap = (first, max(gap, now - last)) if count else (now - asked, 0.0)
            last, count = now, count + event.n
        elif isinstance(event, wire.Failed | wire.Interrupted):
            raise RuntimeError(event)
    return first, count, gap
