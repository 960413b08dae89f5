"""Both clients behind one face: what is said to it is said to the client. So one suite runs over both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ai_pal.client import AsyncClient, Client
from ai_pal.protocol import client as wire


class Blocking:
    """The blocking client, which waits in a thread of its own."""

    kind = Client

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, method: str, /, *args: Any, **how: Any) -> Any:
        """What a method gives in the end."""
        return await asyncio.to_thread(getattr(self.client, method), *args, **how)

    async def events(self, method: str, /, *args: Any, until: int | None = None, **how: Any) -> list[Any]:
        """The events of a method that streams; with `until` the first ones, and then it is left."""
        return await asyncio.to_thread(self._events, method, args, how, until)

    async def last(self, method: str, /, *args: Any, **how: Any) -> Any:
        """The last event of a method that streams."""
        return await asyncio.to_thread(lambda: getattr(self.client, method)(*args, **how).last())

    async def cancelled(self, method: str, /, *args: Any, **how: Any) -> list[Any]:
        """All events of what is cancelled at its first."""
        return await asyncio.to_thread(self._cancelled, method, args, how)

    def _events(self, method: str, args: Any, how: Any, until: int | None) -> list[Any]:
        found: list[Any] = []
        for event in getattr(self.client, method)(*args, **how):
            found.append(event)
            if len(found) == until:
                break
        return found

    def _cancelled(self, method: str, args: Any, how: Any) -> list[Any]:
        found = []
        stream = getattr(self.client, method)(*args, **how)
        for event in stream:
            found.append(event)
            if len(found) == 1:
                stream.cancel()
        return found


class OnLoop:
    """The client for asyncio."""

    kind = AsyncClient

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def call(self, method: str, /, *args: Any, **how: Any) -> Any:
        given = getattr(self.client, method)(*args, **how)
        return await given if hasattr(given, "__await__") else given

    async def events(self, method: str, /, *args: Any, until: int | None = None, **how: Any) -> list[Any]:
        found: list[Any] = []
        async for event in getattr(self.client, method)(*args, **how):
            found.append(event)
            if len(found) == until:
                break
        return found

    async def last(self, method: str, /, *args: Any, **how: Any) -> Any:
        return await getattr(self.client, method)(*args, **how)

    async def cancelled(self, method: str, /, *args: Any, **how: Any) -> list[Any]:
        found = []
        stream = getattr(self.client, method)(*args, **how)
        async for event in stream:
            found.append(event)
            if len(found) == 1:
                stream.cancel()
        return found


AnyFace = Blocking | OnLoop
FACES = (Blocking, OnLoop)


@asynccontextmanager
async def connected(face: type[AnyFace], endpoint: str, **how: Any) -> AsyncIterator[AnyFace]:
    """A connection, which is closed at the end."""
    if face is Blocking:
        client = await asyncio.to_thread(lambda: Client(endpoint, **how))
        try:
            yield Blocking(client)
        finally:
            client.close()
    else:
        async with AsyncClient(endpoint, **how) as other:
            yield OnLoop(other)


def text_of(events: list[wire.AnyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, wire.Delta))
