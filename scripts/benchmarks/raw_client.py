"""A client of nothing but ZeroMQ and MessagePack, for this protocol and the one before: what it costs is the
same whichever supervisor it drives."""

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import zmq

from ai_pal.transport.sockets import receive_frames

PROTOCOLS = (2, 1)
"""The newest first."""

PATIENCE_MS = 30_000
"""A supervisor that is silent for so long hangs."""

BROKEN = ("failed", "interrupted", "cancelled")
FOR_EVER = {"tokens": 1_000_000, "pace": 1.0}

Extra = dict[str, float]
"""Options of the echo engine."""


class WorkerOf(msgspec.Struct):
    """One in a `status_reply`."""

    pid: int = 0


class Event(msgspec.Struct):
    """What of all events is looked at; the rest of each is skipped."""

    type: str
    id: int = 0
    n: int = 0
    workers: list[WorkerOf] = []


class Traffic(msgspec.Struct):
    """Tokens and deltas that came, in so many seconds from the first question to the last end."""

    tokens: int = 0
    deltas: int = 0
    seconds: float = 0.0


class RawClient:
    """One connection to a supervisor. Its model is always `echo`."""

    def __init__(self, endpoint: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._id = 0
        self._decode = msgspec.msgpack.Decoder(Event).decode
        for protocol in PROTOCOLS:
            self._socket = self._context.socket(zmq.DEALER)
            self._socket.linger = 100
            self._socket.rcvhwm = 0
            self._socket.connect(endpoint)
            self._send(type="hello", protocol=protocol, client="bench")
            if next(self._events()).type == "welcome":
                return
            self._socket.close()
        raise RuntimeError(f"the supervisor at {endpoint} speaks none of {PROTOCOLS}")

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._send(type="goodbye")
        self._socket.close()
        self._context.term()

    def answers(self, streams: int, tokens: int, pace: float = 0.0) -> Traffic:
        """So many answers of `tokens` tokens at once. With a `pace`, the seconds from one token to the next,
        they begin evenly spread, so that nothing waits for anything."""
        begun = time.perf_counter()
        starts = deque(begun + pace * number / streams for number in range(streams))
        traffic, left = Traffic(), streams
        while left:
            self._ask_due(starts, {"tokens": tokens, "pace": pace})
            for event in self._arrived(starts):
                if event.type == "delta":
                    traffic.tokens += event.n
                    traffic.deltas += 1
                elif event.type == "done":
                    left -= 1
                else:
                    _check(event)
        traffic.seconds = time.perf_counter() - begun
        if traffic.tokens != streams * tokens:
            raise RuntimeError(f"{traffic.tokens} tokens came of {streams * tokens}")
        return traffic

    def first_token(self) -> float:
        """Seconds from a question to the first piece of its answer, which is read to its end."""
        begun = time.perf_counter()
        self._ask({"tokens": 1})
        first = 0.0
        for event in self._events():
            if event.type == "delta":
                first = first or time.perf_counter() - begun
            elif event.type == "done":
                break
            else:
                _check(event)
        return first

    def hold(self, streams: int) -> None:
        """Open so many endless answers, and wait until each has begun. They end with the connection."""
        for _ in range(streams):
            self._ask(FOR_EVER)
        begun: set[int] = set()
        for event in self._events():
            _check(event)
            if event.type == "delta":
                begun.add(event.id)
                if len(begun) == streams:
                    return

    def worker_pids(self) -> list[int]:
        """Processes of loaded models."""
        self._send(type="status", id=self._next_id())
        return next(
            [worker.pid for worker in event.workers]
            for event in self._events()
            if event.type == "status_reply"
        )

    def _ask_due(self, starts: deque[float], extra: Extra) -> None:
        while starts and starts[0] <= time.perf_counter():
            starts.popleft()
            self._ask(extra)

    def _ask(self, extra: Extra) -> None:
        self._send(
            type="chat",
            id=self._next_id(),
            messages=[{"role": "user", "content": "word"}],
            model="echo",
            options={"extra": extra},
        )

    def _next_id(self) -> int:
        self._id += 1
        return self._id

    def _send(self, **message: Any) -> None:
        self._socket.send(msgspec.msgpack.encode(message))

    def _arrived(self, starts: deque[float]) -> Iterable[Event]:
        """The next events; none when it is time for the next question."""
        wait = PATIENCE_MS if not starts else max(0, int((starts[0] - time.perf_counter()) * 1000))
        if self._socket.poll(wait):
            yield from self._message()
        elif not starts:
            raise RuntimeError("the supervisor is silent")

    def _events(self) -> Iterator[Event]:
        nothing: deque[float] = deque()
        while True:
            yield from self._arrived(nothing)

    def _message(self) -> Iterator[Event]:
        with contextlib.suppress(zmq.Again):
            while True:
                for frame in receive_frames(self._socket):
                    yield self._decode(frame.buffer)


def _check(event: Event) -> None:
    if event.type in BROKEN:
        raise RuntimeError(f"an answer of the echo engine ended with {event.type}")
