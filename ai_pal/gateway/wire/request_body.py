"""Bodies of requests while they come: each has a bound and a time, and all together have a bound, so that
many large ones do not fill the memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.wire.asgi import LEFT, Receive
from ai_pal.gateway.wire.limits import Limits, too_large, too_late

TOGETHER = 2
"""So many of the largest at a time."""


class RequestBodies:
    """Those that are held now: from their first byte until they have been read."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._room = limits, TOGETHER * limits.body

    @asynccontextmanager
    async def of(self, receive: Receive, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """All of one body, held as long as the block lasts. Raises `AiPalError`: it is too large, does not
        come, or there is no room for it now."""
        self._check(said_length(headers), self._room)
        pieces: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(self._limits.body_timeout):
                while more:
                    piece, more = await _piece(receive)
                    size += len(piece)
                    self._room -= len(piece)
                    pieces.append(piece)
                    self._check(size, size + self._room)
            yield b"".join(pieces) if len(pieces) > 1 else pieces[0]
        except TimeoutError:
            raise too_late(self._limits.body_timeout) from None
        finally:
            self._room += size

    async def pieces(self, receive: Receive) -> AsyncIterator[bytes]:
        """One body as it comes, of any length: nothing of it is held here. Raises `AiPalError`: it stands
        still, or does not come."""
        more = True
        while more:
            try:
                async with asyncio.timeout(self._limits.body_timeout):
                    piece, more = await _piece(receive)
            except TimeoutError:
                raise too_late(self._limits.body_timeout) from None
            yield piece

    def _check(self, size: int, room: int) -> None:
        if size > self._limits.body:
            raise too_large(self._limits.body)
        if size > room:
            what = "the bodies of other requests take all the room there is for them"
            raise AiPalError(
                Failure(Code.OVERLOADED, what, "send it again in a moment", retryable=True, retry_after=1.0)
            )


def said_length(headers: Mapping[str, str]) -> int:
    """The length that a body is said to have, 0 where it is not said."""
    said = headers.get("content-length", "0")
    return int(said) if said.isdigit() else 0


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """The next of a body, and whether there is more."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise LEFT
    return message.get("body", b""), message.get("more_body", False)
