"""A scripted HTTP/1.1 server on loopback, in a thread of its own: one exchange per connection."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable

from tests.servers.listening import Listening

Handle = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request, and ways to answer it well or badly."""

    def __init__(
        self, head: bytes, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.body = body
        self._reader, self._writer = reader, writer

    async def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """A whole answer at once."""
        given = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
        await self._head(status, given)
        self._writer.write(body)
        await self._writer.drain()

    async def answer_json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        await self.answer(status, json.dumps(value).encode(), headers)

    async def begun(self, status: int, headers: dict[str, str], raw: bytes) -> None:
        """A status, its headers and bytes, as they are."""
        await self._head(status, headers)
        self._writer.write(raw)
        await self._writer.drain()

    async def begin(self, content_type: str, headers: dict[str, str] | None = None) -> None:
        """HTTP 200, and a body in chunks that follow."""
        given = {"content-type": content_type, "transfer-encoding": "chunked", **(headers or {})}
        await self._head(200, given)

    async def piece(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self._writer.drain()

    async def end(self) -> None:
        """The last chunk."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        number: socket.socket = self._writer.get_extra_info("socket")
        number.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def hang(self) -> None:
        """Say nothing more, for as long as the client stays."""
        await asyncio.Event().wait()

    async def left(self) -> None:
        """Return when the client has closed its side."""
        with contextlib.suppress(OSError):
            while await self._reader.read(65536):
                pass

    async def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Status", *(f"{n}: {v}" for n, v in headers.items()), "connection: close"]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        await self._writer.drain()


STORED_HERE = {"details": {"format": "gguf", "family": "llama"}, "model_info": {}}
ASIDES: dict[str, object] = {"/api/show": STORED_HERE, "/api/ps": {"models": []}}


class Loopback(Listening):
    """Calls `handle` for each request. `requests` are those that came, `abandoned` counts the answers whose
    client left before their end. What Ollama is asked of a model before each prompt is answered apart, as by
    one that has the model and has not loaded it, unless `shows`."""

    def __init__(
        self,
        handle: Handle,
        *,
        shows: bool = False,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, tls=tls)
        self._handle, self._shows = handle, shows
        self.requests: list[tuple[str, str]] = []
        self.abandoned = threading.Semaphore(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        exchange = Exchange(head, await reader.readexactly(_length(head)), reader, writer)
        if exchange.path in ASIDES and not self._shows:
            await exchange.answer_json(200, ASIDES[exchange.path])
        else:
            self.requests.append((exchange.method, exchange.path.partition("?")[0]))
            await self._see_through(exchange)

    async def _see_through(self, exchange: Exchange) -> None:
        answering = asyncio.ensure_future(self._handle(exchange))
        leaving = asyncio.ensure_future(exchange.left())
        try:
            await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() or isinstance(answering.exception(), OSError):
                self.abandoned.release()
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


def _length(head: bytes) -> int:
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0
