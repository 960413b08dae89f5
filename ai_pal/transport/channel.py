"""A raw ZeroMQ ROUTER on an asyncio loop: one reader that is never cancelled, sends that never wait."""

from collections.abc import Callable, Sequence
from enum import Enum

import zmq

from ai_pal.transport.peer import Peer, peer_of
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import AT_ONCE, HIGH_WATER, Blob, configure, send_frames

FRAMES_AT_ONCE = 8
"""Frames of one message between two looks at the time: one message may hold thousands."""

LARGE = 64 * 1024
"""Bytes from which on a frame is handed on without copying it."""

Receive = Callable[[bytes, list[Blob], Peer | None, bool], None]


class Sent(Enum):
    """What became of a message."""

    OK = "ok"
    FULL = "full"
    GONE = "gone"


class RouterChannel:
    """A ROUTER. `receive(identity, frames, peer, more)` is called for each message, from the loop; where one
    has many frames, `more` of them come in the next call, nobody else's between them. `send_limit` and
    `receive_limit` messages may wait for and from each peer: merged ones are large, and the limits count no
    bytes. `before` and `after` are called around each turn of its reader."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        receive: Receive,
        send_limit: int = HIGH_WATER,
        receive_limit: int = HIGH_WATER,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._receive = receive
        self._socket = context.socket(zmq.ROUTER)
        configure(self._socket)
        self._socket.sndhwm, self._socket.rcvhwm = send_limit, receive_limit
        self._socket.router_mandatory = True
        self._sender = b""  # of the message that is half read
        self.reader = SocketReader(self._socket, self._take, before=before, after=after)

    def listen(self, endpoint: str, listener: int) -> None:
        """Take connections from a listening descriptor too; `endpoint` is its address. libzmq owns it from
        here on, closes it with the channel, and does nothing to its file."""
        self._socket.setsockopt(zmq.USE_FD, listener)
        self._socket.bind(endpoint)
        self.reader.look()

    def send(self, identity: bytes, frames: Sequence[Blob]) -> Sent:
        """Hand a message to libzmq without waiting."""
        try:
            send_frames(self._socket, [identity, *frames])
        except zmq.Again:
            return Sent.FULL
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return Sent.GONE
            raise
        finally:
            self.reader.look()
        return Sent.OK

    def fileno(self) -> int:
        """The descriptor that tells the loop, once per edge, to look."""
        return self.reader.fileno()

    def close(self, linger: float = 0.0) -> None:
        """Stop reading and drop the socket; what was sent gets `linger` seconds to leave."""
        self.reader.close()
        self._socket.close(int(linger * 1000))

    def _take(self) -> int:
        """Hand on one message, or the next frames of one that holds many; their size in bytes."""
        receive = self._socket.recv
        sender = self._sender or receive(AT_ONCE)
        taken = [receive(AT_ONCE, False)]
        while taken[-1].more and len(taken) < FRAMES_AT_ONCE:
            taken.append(receive(AT_ONCE, False))
        more = bool(taken[-1].more)
        self._sender = sender if more else b""
        frames = [frame if len(frame) >= LARGE else frame.bytes for frame in taken]
        self._receive(sender, frames, peer_of(taken[-1]), more)
        return sum(map(len, frames))


def bytes_of(frame: Blob) -> bytes:
    """What is in a frame, copied where that was not done yet."""
    return frame if isinstance(frame, bytes) else frame.bytes
