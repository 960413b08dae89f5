"""The socket that `ai-pal serve` listens at."""

import asyncio
import socket

import pytest

from ai_pal.cli.service.serve import _tcp

pytestmark = pytest.mark.anyio
SECONDS = 60.0


async def test_what_is_said_to_a_caller_leaves_at_once() -> None:
    """Else the second part of an answer waits for 40 ms until the caller's kernel acknowledges the first."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def called(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(called, sock=_tcp("127.0.0.1", 0, shared=False)) as server:
        _, caller = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await asyncio.wait_for(found, SECONDS)
        caller.close()
