"""A client written from docs/ipc-protocol.md alone: pyzmq and msgpack, nothing of AI-PAL."""

import time
from collections import deque
from typing import Any

import msgpack
import zmq

TERMINAL = ("done", "failed", "interrupted", "cancelled")
ENDS = (
    *(*TERMINAL, "loaded", "unloaded", "status_reply", "stopping", "pulled", "routed", "providers_reply"),
    *("embedded", "reranked", "counted", "models_reply"),
)
SECONDS = 120.0

Event = dict[str, Any]


class GoneError(Exception):
    """The supervisor closed the connection."""


class PageClient:
    """One connection. Requests are maps; events come back as they are on the wire."""

    def __init__(self, endpoint: str, protocol: int = 2, *, greet: bool = True, held: int = 1000) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 2**31 - 1
        self.socket.rcvhwm = held
        self._monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED)
        self.socket.connect(endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self.socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._events: deque[Event] = deque()
        self._last_id = 0
        if greet:
            self.send({"type": "hello", "protocol": protocol, "client": "page"})

    def __enter__(self) -> "PageClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.disable_monitor()
        self._context.destroy(linger=0)

    def send(self, *requests: Event) -> None:
        """All of these in one ZeroMQ message, one frame each."""
        self.send_frames(*(msgpack.packb(request) for request in requests))

    def send_frames(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def ask(self, kind: str, **fields: Any) -> int:
        """Send a request with a fresh id, and return the id."""
        self._last_id += 1
        self.send({"type": kind, "id": self._last_id, **fields})
        return self._last_id

    def chat(self, text: str, **fields: Any) -> int:
        return self.ask("chat", messages=[{"role": "user", "content": text}], **fields)

    def next(self, seconds: float = SECONDS) -> Event:
        """The next event of any request. Raises `GoneError`, TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self._events:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = dict(self._poller.poll(int(left * 1000) + 1))
            if self.socket in ready:
                self._events.extend(msgpack.unpackb(frame) for frame in self.socket.recv_multipart())
            elif self._monitor in ready:
                raise GoneError
        return self._events.popleft()

    def until(self, kind: str) -> Event:
        """Skip to the first event of this kind."""
        while (event := self.next())["type"] != kind:
            pass
        return event

    def events(self, request_id: int) -> list[Event]:
        """All events of one request up to its end; those of others are dropped."""
        found = []
        while True:
            event = self.next()
            if event.get("id") == request_id:
                found.append(event)
                if event["type"] in ENDS:
                    return found


def text_of(events: list[Event]) -> str:
    """The answer; checks that its pieces follow each other."""
    seq, text = 0, ""
    for delta in (event for event in events if event["type"] == "delta"):
        assert delta["seq"] == seq
        seq += delta["n"]
        text += delta["text"]
    return text
