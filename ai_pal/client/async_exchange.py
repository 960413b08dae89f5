"""The I/O of the asyncio client: one reader hands each event to its request and wakes who waits for it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import zmq

from ai_pal.client.connection import Connection, Frames, decoded, encoded
from ai_pal.client.core import CLOSED, UNREACHABLE, Core, Pending, silent
from ai_pal.client.face import Meanwhile, unheard
from ai_pal.client.requests import IN_FLIGHT
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import HIGH_WATER

E = TypeVar("E", bound=wire.Event)


class Inbox(NamedTuple):
    """A request under way; `ready` is set when there may be something new."""

    pending: Pending
    ready: asyncio.Event

    async def next(self) -> wire.AnyEvent:
        """The next event. Raises `AiPalError`."""
        while (event := self.pending.take()) is None:
            self.ready.clear()
            await self.ready.wait()
        return event


class AsyncExchange:
    """A connection on the running loop; `greeted` has to be awaited first."""

    def __init__(self, endpoint: str, serves: Sequence[str] = ()) -> None:
        self.loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        ready = asyncio.Event()
        self.core = Core(endpoint, ready.set)
        self._greeting = Inbox(self.core.greeting, ready)
        self._gone = asyncio.Event()
        self._watch: asyncio.TimerHandle | None = None
        self._connection = Connection(endpoint, serves=serves)
        self._reader = SocketReader(self._connection.socket, self._take)
        self._end = SocketReader(self._connection.monitor, self._disconnected)

    async def greeted(self, seconds: float) -> wire.Welcome:
        """The welcome. Raises `AiPalError` as the blocking exchange does, and is closed then."""
        try:
            async with asyncio.timeout(seconds):
                event = await self._greeting.next()
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise AiPalError(silent(self.core.endpoint)) from None
            if isinstance(error, AiPalError) and error.code == Code.SUPERVISOR_LOST:
                raise AiPalError(UNREACHABLE) from error
            raise
        assert isinstance(event, wire.Welcome)
        return event

    @property
    def closed(self) -> bool:
        """Whether we have closed it."""
        return self._connection.closed

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        if not self.core.lost and self._connection.broken:
            self._disconnected()  # the look has taken from the reader what would have told it
        return self.core.lost

    def begin(self, request: wire.Request) -> Inbox:
        """Send a request. What puts a long one together may do so in a thread: all but the sending is done
        there. Raises `AiPalError`."""
        frames = encoded(request)
        if threading.get_ident() == self._thread:
            return self._begin(request, frames)

        async def begun() -> Inbox:
            return self._begin(request, frames)

        return asyncio.run_coroutine_threadsafe(begun(), self.loop).result()

    def _begin(self, request: wire.Request, frames: Frames) -> Inbox:
        ready = asyncio.Event()
        inbox = Inbox(self.core.begin(request, self.loop.time(), ready.set), ready)
        try:
            self._connection.send_frames(frames)
            self._reader.look()
        except BaseException:
            self.core.leave(inbox.pending)
            raise
        self._arm()
        return inbox

    async def reply(
        self, inbox: Inbox, kind: type[E], seconds: float | None = None, meanwhile: Meanwhile = unheard
    ) -> E:
        """The reply to a request, which is left then; what comes before it goes to `meanwhile`."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await inbox.next()
                    if isinstance(event, kind):
                        return event
                    meanwhile(event)
        except TimeoutError:
            raise AiPalError(silent(self.core.endpoint)) from None
        finally:
            self.leave(inbox.pending)

    async def replies(
        self, requests: Iterable[wire.Request], kind: type[E], meanwhile: Meanwhile = unheard
    ) -> list[E]:
        """The replies to many requests, in their order; the next waits beside the one that is worked at."""
        waiting: list[Inbox] = []
        found: list[E] = []
        try:
            for request in requests:
                waiting.append(self.begin(request))
                if len(waiting) == IN_FLIGHT:
                    found.append(await self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
            while waiting:
                found.append(await self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
        finally:
            for inbox in waiting:
                self.leave(inbox.pending)
        return found

    def cancel(self, request_id: int) -> None:
        """Ask for a request to be stopped. Its last event is still to come."""
        self._send(wire.Cancel(request_id))

    def leave(self, pending: Pending) -> None:
        """Forget a request that nobody waits for any more."""
        cancel = self.core.leave(pending)
        if cancel is not None and not self.closed:
            with contextlib.suppress(AiPalError, zmq.ZMQError):
                self._send(cancel)

    async def wait_lost(self, seconds: float) -> bool:
        """Wait until the supervisor has closed the connection; False when it still has not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        return self.core.lost

    def close(self) -> None:
        """Leave: what is still open is cancelled. The loop may be closed already."""
        if self.closed:
            return
        if self._watch is not None:
            self._watch.cancel()
        self._reader.close()
        self._end.close()
        self._connection.close()
        self.core.over(CLOSED)
        self._gone.set()

    def _send(self, request: wire.Request) -> None:
        self._connection.send(request)
        self._reader.look()

    def _take(self) -> int:
        frames = self._connection.frames()
        self.core.heard(decoded(frames), self.loop.time())
        return sum(map(len, frames))

    def _disconnected(self) -> int:
        self._end.close()
        self._reader.rest(2 * HIGH_WATER)  # its last words
        self.core.over()
        self._gone.set()
        return 0

    def _arm(self) -> None:
        """See to it that the silence is looked at in time."""
        due = self.core.due()
        if self._watch is None and due is not None:
            self._watch = self.loop.call_at(due, self._look)

    def _look(self) -> None:
        self._watch = None
        if self.closed:
            return
        self._reader.rest(HIGH_WATER)  # what has come while the loop was kept from reading
        probe = self.core.tick(self.loop.time())
        if probe is not None:
            with contextlib.suppress(AiPalError):
                self._send(probe)
        self._arm()
