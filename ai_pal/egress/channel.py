"""The egress process's socket on its asyncio loop: one reader that is never cancelled, sends that never
wait."""

from collections.abc import Callable, Sequence

import zmq

from ai_pal.transport.listening import await_listener
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import configure, receive_frames, send_frames

SEND_LIMIT = 16
"""Messages that may wait in the socket: behind them text is joined in the outbox, where it is counted."""

LINGER_MS = 1000
CONNECT_SECONDS = 10.0
EITHER = int(zmq.POLLIN | zmq.POLLOUT)


class DealerChannel:
    """A DEALER connected to the supervisor. `receive` is called with the frames of each message, where they
    lie; `looked` whenever the socket moved and may take messages again, `lost` once when the supervisor has
    gone."""

    def __init__(
        self,
        endpoint: str,
        identity: str,
        *,
        receive: Callable[[Sequence[memoryview]], None],
        looked: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._receive, self._lost = receive, lost
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        configure(self._socket)
        self._socket.sndhwm = SEND_LIMIT
        self._socket.setsockopt(zmq.IDENTITY, identity.encode())
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a supervisor that is gone does not come back
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        await_listener(endpoint, CONNECT_SECONDS)
        self._socket.connect(endpoint)
        self._reader = SocketReader(self._socket, self._take, looked)
        self._watch = SocketReader(self._monitor, self._disconnected)

    def send(self, frames: Sequence[bytes]) -> bool:
        """Hand a message to libzmq. False: it takes none now."""
        try:
            send_frames(self._socket, frames)
        except zmq.Again:
            if int(self._socket.get(zmq.EVENTS)) & EITHER:  # the edge may be over already
                self._reader.look()
            return False
        self._reader.look()
        return True

    def _take(self) -> int:
        frames = [frame.buffer for frame in receive_frames(self._socket)]
        self._receive(frames)
        return sum(map(len, frames))

    def _disconnected(self) -> int:
        self._watch.close()
        self._lost()
        return 0
