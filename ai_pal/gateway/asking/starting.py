"""An answer of a supervisor that is still to be found or started: who waits for it gets signs of life."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from ai_pal.client.answer import Answer
from ai_pal.errors import AiPalError


class Starting:
    """Behind `opening`, what that gives; until then nothing comes. Raises what it raises."""

    def __init__(self, opening: Coroutine[Any, Any, Any]) -> None:
        self._opening: asyncio.Task[Any] = asyncio.get_running_loop().create_task(opening)
        self._nudged = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the last event has been read."""
        return self._is_open and bool(self._opening.result().over)

    async def batch(self) -> list[Any]:
        """What has come since it was read last; nothing only where somebody has called `nudge`."""
        if not self._opening.done():
            nudged = asyncio.ensure_future(self._nudged.wait())
            try:
                await asyncio.wait((self._opening, nudged), return_when=asyncio.FIRST_COMPLETED)
            finally:
                nudged.cancel()
            self._nudged.clear()
            if not self._opening.done():
                return []
        found: list[Any] = await self._opening.result().batch()
        return found

    def nudge(self) -> None:
        """Wake who waits."""
        if self._is_open:
            self._opening.result().nudge()
        else:
            self._nudged.set()

    def cancel(self) -> None:
        """Have it stopped."""
        if self._is_open:
            self._opening.result().cancel()
        else:
            self._opening.cancel()

    async def aclose(self) -> None:
        """Stop it."""
        self._opening.cancel()
        with suppress(asyncio.CancelledError, AiPalError):
            await (await self._opening).aclose()

    async def answer(self) -> Answer:
        """Wait for all of it."""
        answer: Answer = await (await self._opening).answer()
        return answer

    @property
    def _is_open(self) -> bool:
        done = self._opening
        return done.done() and not done.cancelled() and done.exception() is None
