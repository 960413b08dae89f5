"""A TCP server on loopback in a thread of its own; what a connection gets is its subclasses' matter."""

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import Self


class Listening:
    """Listens while the `with` block runs. `host` is where, `tls` whether it speaks TLS, `buffer` how many
    bytes the kernel may take in that nobody has read (0: as many as it likes)."""

    def __init__(
        self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, buffer: int = 0
    ) -> None:
        self._host, self._tls, self._buffer = host, tls, buffer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="listening", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        listening = socket.create_server((self._host, 0))
        if self._buffer:  # what is accepted inherits it
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        starting = asyncio.start_server(self._accept, sock=listening, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self._host}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, which ends with this."""
        raise NotImplementedError

    async def _stop(self) -> None:
        """All ends, what the loop has only begun to accept too."""
        self._server.close()
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(2):  # the loop closes sockets in turns of its own
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._take(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)  # the loop closes the socket in its next turn
