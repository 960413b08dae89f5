"""The gateway's one connection to the supervisor, made anew when it is lost."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire

LOOK_SECONDS = 3.0
"""Between two looks for a supervisor that is to be told where we answer."""

PATIENCE = 1.0
"""For a supervisor to say how it is, to whoever can do without."""


class Link:
    """`endpoint` finds a supervisor, or starts one if it is told to, and says where it listens; it may
    block. `serves` is where this gateway itself answers."""

    def __init__(self, endpoint: Callable[[bool], str], serves: Sequence[str] = ()) -> None:
        self._endpoint, self._serves = endpoint, serves
        self._client: AsyncClient | None = None
        self._making = asyncio.Lock()

    async def client(self, *, start: bool = True) -> AsyncClient:
        """A connection that stands. Raises `AiPalError`: no supervisor, and none is or can be started."""
        if self._client is not None and not self._client.lost:
            return self._client
        async with self._making:
            if self._client is None or self._client.lost:
                self._drop()
                where = await asyncio.to_thread(self._endpoint, start)
                self._client = await AsyncClient(where, serves=self._serves).__aenter__()
            return self._client

    async def status(self) -> wire.StatusReply | None:
        """What the supervisor says of itself; None where there is none, or it does not say it at once."""
        if not self.stands:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await (await self.client(start=False)).status()
        except (AiPalError, OSError, TimeoutError):
            return None

    async def stay(self) -> None:
        """Be connected whenever a supervisor runs, so that it can tell where we answer; none is started."""
        while True:
            if not self.stands:
                with contextlib.suppress(AiPalError, OSError):  # the next request tries too, and is told
                    await self.client(start=False)
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def stands(self) -> bool:
        """Whether there is a connection now."""
        return self._client is not None and not self._client.lost

    def close(self) -> None:
        """Leave: what is under way is cancelled."""
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
