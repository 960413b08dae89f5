"""A client of chat completions that costs little, so that what is measured is the server: bare sockets, one
thread, nothing parsed that is not counted."""

import contextlib
import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

PATIENCE = 60.0
"""A server that says nothing for so long hangs."""

NAP = 0.001
"""Seconds between two looks at streams that are paced: a client on this machine would otherwise be woken for
each event, and take from the server what one elsewhere does not."""

LARGEST = 256 * 1024
ANSWERED = b"HTTP/1.1 200"
END = b"data: [DONE]"
TEXT = re.compile(rb'"content": ?"[^"]')
USAGE = re.compile(rb'"completion_tokens":(\d+)')
TAIL = 2048
"""Bytes in which the end and the usage of an answer are, whatever else belongs to its last events."""


class Served(msgspec.Struct):
    """Of all streams of one run: seconds to the first text of each, tokens by their usage, events that came,
    pieces in which the kernel handed them over, and seconds from the first question to the last end."""

    firsts: list[float] = []
    tokens: int = 0
    events: int = 0
    reads: int = 0
    seconds: float = 0.0

    @property
    def speed(self) -> float:
        """Tokens per second of all together."""
        return self.tokens / self.seconds


class _Stream:
    """One answer under way; `due` is when it is asked for."""

    def __init__(self, body: bytes, due: float) -> None:
        self.body, self.due = body, due
        self.first, self.events, self.tail = 0.0, 0, b""

    def take(self, data: bytes) -> bool:
        """Count what came; whether that was the end. Raises RuntimeError for a refusal."""
        if not self.tail and not data.startswith(ANSWERED):
            raise RuntimeError(f"no answer came: {data[:600]!r}")
        seen = self.tail[-1:] + data
        self.events += seen.count(b"\n\n")
        if not self.first and TEXT.search(self.tail + data):
            self.first = time.perf_counter() - self.due
        before, self.tail = self.tail, (self.tail + data)[-TAIL:]
        return END in data or END in before[-len(END) :] + data


def chat_body(model: str, text: str, tokens: int = 0, **more: Any) -> bytes:
    """A question whose answer is a stream with its usage; `tokens` at most, 0 says nothing of that."""
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"max_tokens": tokens} if tokens else {}),
        **more,
    }
    return msgspec.json.encode(asked)


def ask(server: str, bodies: Sequence[bytes], pace: float = 0.0) -> Served:
    """All of these at once; with a `pace`, the seconds from one token of an answer to the next, they begin
    evenly spread over it, so that nothing waits for anything, and what comes is looked at now and then."""
    begun = time.perf_counter()
    waiting = deque(_Stream(body, begun + pace * place / len(bodies)) for place, body in enumerate(bodies))
    served, asked = Served(), list(waiting)
    reading: dict[int, tuple[socket.socket, _Stream]] = {}
    with select.epoll() as arrivals:
        while waiting or reading:
            while waiting and waiting[0].due <= time.perf_counter():
                stream = waiting.popleft()
                connection = posted(server, stream.body)
                reading[connection.fileno()] = connection, stream
                arrivals.register(connection, select.EPOLLIN)
            wait = max(0.0, waiting[0].due - time.perf_counter()) if waiting else PATIENCE
            ready = arrivals.poll(wait)
            if not ready and not waiting:
                raise RuntimeError(f"{server} is silent")
            served.reads += len(ready)
            for number, _ in ready:
                connection, stream = reading[number]
                data = connection.recv(LARGEST)
                if not data:
                    raise RuntimeError(f"an answer broke off: {stream.tail[-300:]!r}")
                if stream.take(data):
                    del reading[number]
                    connection.close()
            if pace:
                time.sleep(NAP)
    served.seconds = time.perf_counter() - begun
    for stream in asked:
        served.firsts.append(stream.first)
        served.events += stream.events - 1  # the last says only that it is the last
        found = USAGE.search(stream.tail)
        served.tokens += int(found[1]) if found else 0
    return served


def posted(server: str, body: bytes, path: str = "/v1/chat/completions") -> socket.socket:
    """A connection of its own on which this was asked."""
    where = urlsplit(server)
    connection = socket.create_connection((where.hostname or "", where.port or 80), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer none\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


@contextlib.contextmanager
def held(server: str, bodies: Sequence[bytes]) -> Iterator[None]:
    """These answers are open while this lasts: the first text of each has come."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(posted(server, body))) for body in bodies]
        for connection in connections:
            stream = _Stream(b"", time.perf_counter())
            while not stream.first:
                data = connection.recv(LARGEST)
                if not data or stream.take(data):
                    raise RuntimeError(f"an answer was over too soon: {stream.tail[-300:]!r}")
        yield
