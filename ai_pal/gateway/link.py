"""The gateway's one connection to the supervisor, made anew when it is lost."""

import asyncio
from collections.abc import Callable

from ai_pal.client import AsyncClient


class Link:
    """`endpoint` finds a supervisor, or starts one if it is told to, and says where it listens; it may
    block."""

    def __init__(self, endpoint: Callable[[bool], str]) -> None:
        self._endpoint = endpoint
        self._client: AsyncClient | None = None
        self._making = asyncio.Lock()

    async def client(self, *, start: bool = True) -> AsyncClient:
        """A connection that stands. Raises `AiPalError`: no supervisor, and none is or can be started."""
        if self._client is not None and not self._client.lost:
            return self._client
        async with self._making:
            if self._client is None or self._client.lost:
                self.close()
                where = await asyncio.to_thread(self._endpoint, start)
                self._client = await AsyncClient(where).__aenter__()
            return self._client

    @property
    def stands(self) -> bool:
        """Whether there is a connection now."""
        return self._client is not None and not self._client.lost

    def close(self) -> None:
        """Leave: what is under way is cancelled."""
        if self._client is not None:
            self._client.close()
            self._client = None
