"""A raw ZeroMQ ROUTER on an asyncio loop: one reader that is never cancelled, sends that never wait.

An awaited receive per message costs several times what draining the socket costs, and cancelling
it loses messages. ZMQ_FD is edge-triggered: after a bounded drain and after every send EVENTS must
be looked at again, or messages wait for ever (http://api.zeromq.org/4-3:zmq-getsockopt, ZMQ_FD).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import Enum

import zmq

from ai_pal.transport.peer import Peer, peer_of
from ai_pal.transport.sockets import HIGH_WATER, configure, readable

DRAIN_LIMIT, DRAIN_BYTES, DRAIN_SECONDS = 128, 1024 * 1024, 0.005
"""Messages, bytes, and seconds of work, before the loop gets its turn again."""

FRAMES_AT_ONCE = 8
"""Frames of one message between two looks at the time: one message may hold thousands."""

Receive = Callable[[bytes, list[bytes], Peer | None], None]


class Sent(Enum):
    """What became of a message."""

    OK = "ok"
    FULL = "full"
    GONE = "gone"


class RouterChannel:
    """A ROUTER. `receive(identity, frames, peer)` is called for each message, from the loop. `send_limit` and
    `receive_limit` messages may wait for and from each peer: merged ones are large, and the limits count no
    bytes."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        receive: Receive,
        send_limit: int = HIGH_WATER,
        receive_limit: int = HIGH_WATER,
    ) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._socket = context.socket(zmq.ROUTER)
        configure(self._socket)
        self._socket.sndhwm, self._socket.rcvhwm = send_limit, receive_limit
        self._socket.router_mandatory = True
        self._scheduled = False
        self._sender = b""  # of the message that is half read
        self._fd: int = self._socket.FD
        self._loop.add_reader(self._fd, self._drain)
        self._schedule()

    def listen(self, endpoint: str, listener: int) -> None:
        """Take connections from a listening descriptor too; `endpoint` is its address. libzmq owns it from
        here on, closes it with the channel, and does nothing to its file."""
        self._socket.setsockopt(zmq.USE_FD, listener)
        self._socket.bind(endpoint)
        self._schedule()

    def send(self, identity: bytes, frames: Sequence[bytes]) -> Sent:
        """Hand a message to libzmq without waiting."""
        try:
            self._socket.send_multipart([identity, *frames], zmq.DONTWAIT)
        except zmq.Again:
            return Sent.FULL
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return Sent.GONE
            raise
        finally:
            self._schedule()
        return Sent.OK

    def fileno(self) -> int:
        """The descriptor that tells the loop, once per edge, to look."""
        return self._fd

    def close(self, linger: float = 0.0) -> None:
        """Stop reading and drop the socket; what was sent gets `linger` seconds to leave."""
        self._loop.remove_reader(self._fd)
        self._scheduled = True
        self._socket.close(int(linger * 1000))

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._rescheduled)

    def _rescheduled(self) -> None:
        if not self._socket.closed:
            self._scheduled = False
            self._drain()

    def _drain(self) -> None:
        size, more, end = 0, True, time.monotonic() + DRAIN_SECONDS
        try:
            for _ in range(DRAIN_LIMIT):
                if self._socket.closed or not (self._sender or readable(self._socket)):
                    more = False
                    return
                size += self._take()
                if size > DRAIN_BYTES or time.monotonic() > end:
                    break
        finally:
            if more:  # also when a message could not be taken: the edge that told of the rest is gone
                self._schedule()

    def _take(self) -> int:
        """Hand on one message, or the next frames of one that holds many; their size in bytes."""
        sender = self._sender or self._socket.recv(zmq.DONTWAIT, copy=False).bytes
        taken = [self._socket.recv(zmq.DONTWAIT, copy=False)]
        while taken[-1].more and len(taken) < FRAMES_AT_ONCE:
            taken.append(self._socket.recv(zmq.DONTWAIT, copy=False))
        self._sender = sender if taken[-1].more else b""
        frames = [frame.bytes for frame in taken]
        self._receive(sender, frames, peer_of(taken[-1]))
        return sum(map(len, frames))
