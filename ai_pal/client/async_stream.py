"""The events of one request, one after the other, for asyncio."""

from collections.abc import Generator
from typing import Any, Generic, Self, TypeVar, cast

from ai_pal.client.answer import Answer
from ai_pal.client.async_exchange import AsyncExchange, Inbox
from ai_pal.protocol import client as wire

E = TypeVar("E")


class AsyncStream(Generic[E]):
    """A request under way since it was made. Iterating yields its events of these kinds (none named: all) up
    to and with the last one; awaited it gives that one. Who drops it in between, or cancels the task that
    waits for it, has it cancelled, but for a load, which goes on."""

    _begun = _over = _nudged = False

    def __init__(self, exchange: AsyncExchange, inbox: Inbox, *kinds: type[E]) -> None:
        self.id = inbox.pending.id
        self._exchange, self._inbox, self._kinds = exchange, inbox, kinds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        self._begun = True
        while not self._over:
            try:
                event = self._inbox.pending.take() or await self._inbox.next()
            except BaseException:
                self._leave()
                raise
            self._over = self._inbox.pending.finished
            if not self._kinds or isinstance(event, self._kinds):
                return cast("E", event)
        raise StopAsyncIteration

    async def batch(self) -> list[E]:
        """Wait for events and take all that are there: at least one, unless somebody has called `nudge` or
        the request has ended."""
        events: list[Any] = []
        self._begun = True
        pending, ready = self._inbox
        try:
            while not self._over:
                there = pending.take_all()
                self._over = pending.finished
                kinds = self._kinds
                events = [event for event in there if isinstance(event, kinds)] if kinds else there
                if events or self._over or self._nudged:
                    break
                if not there:
                    ready.clear()
                    await ready.wait()
        except BaseException:
            self._leave()
            raise
        self._nudged = False
        return events

    def nudge(self) -> None:
        """Let a waiting `batch` return at once, with whatever is there."""
        self._nudged = True
        self._inbox.ready.set()

    @property
    def over(self) -> bool:
        """Whether its last event has been read."""
        return self._over

    def __await__(self) -> Generator[Any, Any, E]:
        return self.last().__await__()

    async def last(self) -> E:
        """Wait for the end; its event."""
        event = await anext(self)
        async for later in self:
            event = later
        return event

    def cancel(self) -> None:
        """Ask for it to be stopped. Iteration goes on to the last event, which is that of a normal end where
        the request ended before it could be stopped."""
        if not self._over:
            self._exchange.cancel(self.id)

    async def aclose(self) -> None:
        """Cancel the request if it is still open."""
        self._leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def __del__(self) -> None:
        if self._begun and not self._over and not (loop := self._exchange.loop).is_closed():
            loop.call_soon_threadsafe(self._exchange.leave, self._inbox.pending)

    def _leave(self) -> None:
        if not self._over:
            self._over = True
            self._exchange.leave(self._inbox.pending)


class AsyncAnswerStream(AsyncStream[wire.AnyEvent]):
    """An answer under way; its last event is one of `wire.TERMINAL`, and failures are events."""

    async def answer(self) -> Answer:
        """Wait for the whole answer. Raises `AiPalError` when it failed or was interrupted."""
        answer = Answer()
        async for event in self:
            answer.take(event)
        return answer
