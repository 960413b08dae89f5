"""The events of one request, one after the other, for blocking code."""

import contextlib
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from ai_pal.client.answer import Answer
from ai_pal.client.exchange import Exchange, Inbox
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire

CLOSE_TIMEOUT = 1.0
"""Seconds that a closed stream waits for its end."""

E = TypeVar("E")


class Stream(Generic[E]):
    """A request under way since it was made. Iterating yields its events of these kinds (none named: all) up
    to and with the last one; who drops it in between has it cancelled, but for a load, which goes on."""

    def __init__(self, exchange: Exchange, inbox: Inbox, *kinds: type[E]) -> None:
        self.id = inbox.pending.id
        self._exchange, self._inbox, self._kinds = exchange, inbox, kinds
        self._begun = self._over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        return self._next(None)

    def last(self) -> E:
        """Wait for the end; its event."""
        event = next(self)
        for later in self:
            event = later
        return event

    def within(self, seconds: float) -> Iterator[E]:
        """Iterate, for so long at most. Raises `AiPalError` (`supervisor_silent`) then; it may still come."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(StopIteration):
            while True:
                yield self._next(deadline)

    def soon(self, seconds: float) -> E | None:
        """The next event, or None where none comes in this time. Raises as iteration does."""
        try:
            return self._next(time.monotonic() + seconds)
        except AiPalError:
            if self._over:
                raise
            return None

    def cancel(self) -> None:
        """Ask for it to be stopped. Iteration goes on to the last event, which is that of a normal end where
        the request ended before it could be stopped."""
        if not self._over:
            self._exchange.cancel(self.id)

    def close(self) -> None:
        """Cancel the request if it is still open, and wait a moment for the supervisor to confirm that."""
        if self._over:
            return
        if not self._inbox.pending.stays:
            deadline = time.monotonic() + CLOSE_TIMEOUT
            with contextlib.suppress(AiPalError, StopIteration):
                self.cancel()
                while True:
                    self._next(deadline)
        self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._begun:
            self._leave()

    def _next(self, deadline: float | None) -> E:
        self._begun = True
        while not self._over:
            try:
                event = self._exchange.next(self._inbox, deadline)
            except AiPalError:
                if self._inbox.pending.failed:
                    self._leave()
                raise
            self._over = self._inbox.pending.finished
            if not self._kinds or isinstance(event, self._kinds):
                return cast("E", event)
        raise StopIteration

    def _leave(self) -> None:
        self._over = True
        self._exchange.leave(self._inbox.pending)


class AnswerStream(Stream[wire.AnyEvent]):
    """An answer under way; its last event is one of `wire.TERMINAL`, and failures are events."""

    def answer(self) -> Answer:
        """Wait for the whole answer. Raises `AiPalError` when it failed or was interrupted."""
        answer = Answer()
        for event in self:
            answer.take(event)
        return answer
