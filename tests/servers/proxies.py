"""Real proxies on loopback, for HTTP and for SOCKS 5, that let through, refuse, stall and break off. Whatever
host they are asked for, they lead to one port of this machine, so that tests can ask for names that nobody
has."""

import asyncio
import base64
import contextlib
import re
import socket
import ssl
import struct

from tests.servers.listening import Listening

NAME, PASSWORD = "somebody", "a-password-of-the-tests"


class Proxy(Listening):
    """What both kinds have in common. `target` is the port that it leads to. `asked` are the hosts that it
    was asked for, `heard` the bytes that were to be passed on. After `most` of them the connection is reset;
    with `stalls` nothing more is read then."""

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls, buffer=65536)
        self.target = target
        self.asked: list[str] = []
        self.heard = b""
        self.most: int | None = None
        self.stalls = False
        self.wants_password = False

    async def lead(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, before: bytes = b""
    ) -> None:
        """Pass on what either side says until one has ended."""
        there, out = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            if before:
                await self._pass(before, writer, out)
            ways = [asyncio.ensure_future(self._up(reader, writer, out))]
            ways.append(asyncio.ensure_future(self._down(there, writer)))
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            out.transport.abort()

    async def _up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, out: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(16384):
            await self._pass(data, writer, out)

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(16384):
            writer.write(data)
            await writer.drain()

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter, out: asyncio.StreamWriter) -> None:
        self.heard += data
        if self.most is not None and len(self.heard) > self.most:
            if self.stalls:
                await asyncio.Event().wait()
            _reset(writer)
            raise ConnectionAbortedError
        out.write(data)
        await out.drain()


class HttpProxy(Proxy):
    """A tunnel for CONNECT, and plain requests passed on. `status` refuses, with `headers`; `silent` takes
    the request and says nothing."""

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(target, tls=tls)
        self.status: int | None = None
        self.headers = ""
        self.silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, where, _ = head.decode("latin-1").split(" ", 2)
        self.asked.append(where)
        if self.silent:
            await asyncio.Event().wait()
        known = base64.b64encode(f"{NAME}:{PASSWORD}".encode())
        if self.wants_password and b"Basic " + known not in head:
            await self._refuse(reader, writer, head, 407)
        elif self.status is not None:
            await self._refuse(reader, writer, head, self.status)
        elif method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await self.lead(reader, writer)
        else:
            await self.lead(reader, writer, head.replace(b" " + _origin(where), b" ", 1))

    async def _refuse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, status: int
    ) -> None:
        found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        self.heard += await reader.readexactly(int(found[1])) if found else b""
        body = b"<html>the proxy says no</html>"
        said = (
            f"HTTP/1.1 {status} No\r\n{self.headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(said.encode() + body)
        await writer.drain()


class SocksProxy(Proxy):
    """SOCKS 5 (RFC 1928, 1929). `reply` is what CONNECT is answered with, 0 for success; `garbles` speaks
    HTTP instead."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.reply = 0
        self.garbles = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        assert version == 5, version
        methods = await reader.readexactly(count)
        if self.garbles:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            return
        if not await self._let_in(methods, reader, writer):
            return
        _, command, _, kind = await reader.readexactly(4)
        assert command == 1, command
        host = await _host(kind, reader)
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        self.asked.append(f"{host}:{port}")
        writer.write(bytes([5, self.reply, 0, 1, 127, 0, 0, 1, 0, 0]))
        await writer.drain()
        if not self.reply:
            await self.lead(reader, writer)

    async def _let_in(
        self, methods: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        method = 2 if self.wants_password else 0
        if method not in methods:
            writer.write(b"\x05\xff")
            await writer.drain()
            return False
        writer.write(bytes([5, method]))
        await writer.drain()
        if not self.wants_password:
            return True
        _, length = await reader.readexactly(2)
        name = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        good = (name.decode(), (await reader.readexactly(length)).decode()) == (NAME, PASSWORD)
        writer.write(bytes([1, 0 if good else 1]))
        await writer.drain()
        return good


async def _host(kind: int, reader: asyncio.StreamReader) -> str:
    if kind == 1:
        return socket.inet_ntop(socket.AF_INET, await reader.readexactly(4))
    if kind == 4:
        return socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
    (length,) = await reader.readexactly(1)
    return (await reader.readexactly(length)).decode()


def _origin(where: str) -> bytes:
    """`http://host:port` of an absolute URL."""
    found = re.match(r"https?://[^/]*", where)
    return found[0].encode() if found else b""


def _reset(writer: asyncio.StreamWriter) -> None:
    number: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        number.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
