"""Connections kept between questions: one per event loop, and a few for plain code."""

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from ai_pal.client import Client
from ai_pal.client.async_client import AsyncClient
from ai_pal.models.begun import begin

MAX_IDLE = 4
"""Connections for plain code that are kept while nobody asks."""

FindEndpoint = Callable[[], str]
"""Finds the supervisor, or starts it; blocks."""


class LoopClients:
    """One connection per event loop, made on first use, made anew when the supervisor has gone, and
    closed with its loop."""

    def __init__(self, find: FindEndpoint) -> None:
        self._find = find
        self._links: dict[asyncio.AbstractEventLoop, _Link] = {}

    async def get(self) -> AsyncClient:
        """The connection of the running loop."""
        self._forget_closed_loops()
        link = self._links.setdefault(asyncio.get_running_loop(), _Link())
        async with link.lock:
            if link.client is None or link.client.lost:
                await link.close()
                link.holder = _hold(await asyncio.to_thread(self._find))
                link.client = await anext(link.holder)
            return link.client

    def aclose(self) -> Awaitable[None]:
        """Close the connection of the running loop, now; what is asked on it is cancelled."""
        self._forget_closed_loops()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return begin(lambda: None, "")  # a closed loop's connection is all that there can be
        link = self._links.pop(loop, None)
        if link is not None and link.client is not None:
            link.client.close()
        return loop.create_task(link.close()) if link is not None else begin(lambda: None, "")

    def _forget_closed_loops(self) -> None:
        """A loop that ended without `shutdown_asyncgens` left its connection open."""
        for loop, link in list(self._links.items()):
            if loop.is_closed():
                self._links.pop(loop, None)
                if link.client is not None:
                    link.client.close()


class _Link:
    """The connection of one loop."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.holder: AsyncGenerator[AsyncClient, None] | None = None
        self.client: AsyncClient | None = None

    async def close(self) -> None:
        holder, self.holder, self.client = self.holder, None, None
        if holder is not None:
            await holder.aclose()


async def _hold(endpoint: str) -> AsyncGenerator[AsyncClient, None]:
    """Keeps a connection open. A generator, because a loop closes those when it ends."""
    async with AsyncClient(endpoint) as client:
        yield client


class ClientPool:
    """Blocking connections, each lent to one caller at a time: any thread may ask."""

    def __init__(self, find: FindEndpoint) -> None:
        self._find = find
        self._pid = os.getpid()
        self._idle: list[Client] = []
        self._finalizer = weakref.finalize(self, _close_all, self._idle, self._pid)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Client]:
        """A connection for the time of the context."""
        client = self._take()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        if len(self._idle) < MAX_IDLE:
            self._idle.append(client)
        else:
            client.close()

    def close(self) -> None:
        """Close the connections that nobody uses at the moment."""
        _close_all(self._idle, self._pid)

    def _take(self) -> Client:
        if self._pid != os.getpid():  # forked: the sockets are the parent's
            self._pid, self._idle = os.getpid(), []
            self._finalizer = weakref.finalize(self, _close_all, self._idle, self._pid)
        with contextlib.suppress(IndexError):
            while True:
                client = self._idle.pop()
                if not client.lost:
                    return client
                client.close()
        return Client(self._find())


def _close_all(clients: list[Client], pid: int) -> None:
    with contextlib.suppress(IndexError):
        while pid == os.getpid():
            clients.pop().close()
