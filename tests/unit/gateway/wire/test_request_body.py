"""Bodies while they come: bounded each, and all together."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from ai_pal.config.http_settings import HttpSettings
from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.gateway.wire.limits import limits_of
from ai_pal.gateway.wire.request_body import RequestBodies
from ai_pal.gateway.wire.statuses import status_of_error

LIMITS = msgspec.structs.replace(limits_of(HttpSettings()), body=10, body_timeout=0.02)
NOTHING: Mapping[str, str] = {}


class Comes:
    """A body that comes in these pieces; None never comes, and the client leaves after the last."""

    def __init__(self, *pieces: bytes | None) -> None:
        self._pieces = list(pieces)

    async def __call__(self) -> dict[str, Any]:
        if not self._pieces:
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        if piece is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": piece, "more_body": piece != b""}


async def failure(bodies: RequestBodies, comes: Comes, headers: Mapping[str, str] = NOTHING) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        async with bodies.of(comes, headers):
            pass
    return caught.value


def test_what_comes_in_pieces_is_one_body() -> None:
    async def run() -> None:
        async with RequestBodies(LIMITS).of(Comes(b"ab", b"cd", b""), {}) as body:
            assert body == b"abcd"

    asyncio.run(run())


def test_each_is_bounded_and_has_a_time() -> None:
    async def run() -> None:
        bodies = RequestBodies(LIMITS)
        assert status_of_error(await failure(bodies, Comes(None), {"content-length": "11"})) == 413
        assert status_of_error(await failure(bodies, Comes(b"x" * 6, b"x" * 6))) == 413
        assert status_of_error(await failure(bodies, Comes(b"x", None))) == 408
        assert await failure(bodies, Comes(b"x")) is LEFT

    asyncio.run(run())


def test_all_together_are_bounded_and_what_is_read_makes_room() -> None:
    async def run() -> None:
        bodies = RequestBodies(LIMITS)
        async with AsyncExitStack() as held:
            for _ in range(2):
                await held.enter_async_context(bodies.of(Comes(b"x" * 9, b""), {}))
            refused = await failure(bodies, Comes(None), {"content-length": "3"})
            assert (refused.code, refused.failure.retryable) == (Code.OVERLOADED, True)
            assert (await failure(bodies, Comes(b"x", b"x", b"x"))).code == Code.OVERLOADED
            async with bodies.of(Comes(b"xx", b""), {"content-length": "2"}):
                pass
        async with bodies.of(Comes(b"x" * 9, b""), {"content-length": "9"}):
            pass

    asyncio.run(run())
