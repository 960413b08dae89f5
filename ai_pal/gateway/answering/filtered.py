"""An answer under way of which only a part is sent on."""

from collections.abc import Callable

from ai_pal.client.answer import Answer
from ai_pal.gateway.asking.asked import Coming
from ai_pal.protocol import client as wire

Keep = Callable[[wire.AnyEvent], wire.AnyEvent | None]
"""What becomes of an event; nothing drops it."""


class Filtered:
    """The answer, each event through `keep`."""

    def __init__(self, coming: Coming, keep: Keep) -> None:
        self._coming, self._keep = coming, keep

    @property
    def over(self) -> bool:
        """Whether its last event has been read."""
        return self._coming.over

    async def batch(self) -> list[wire.AnyEvent]:
        """What has come since it was read last; may be nothing."""
        return [kept for event in await self._coming.batch() if (kept := self._keep(event)) is not None]

    def nudge(self) -> None:
        """Wake who waits for a batch."""
        self._coming.nudge()

    def cancel(self) -> None:
        """Have it stopped."""
        self._coming.cancel()

    async def aclose(self) -> None:
        """Stop it."""
        await self._coming.aclose()

    async def answer(self) -> Answer:
        """Wait for all of it. Raises `AiPalError`."""
        answer = Answer()
        while not self.over:
            for event in await self.batch():
                answer.take(event)
        return answer
