"""The egress process's socket on its asyncio loop: one reader that is never cancelled, sends that never
wait. ZMQ_FD is edge-triggered: after each drain and each send the socket is looked at again."""

import asyncio
from collections.abc import Callable, Sequence

import zmq

from ai_pal.transport.listening import await_listener
from ai_pal.transport.sockets import configure, readable

DRAIN_LIMIT = 64
"""Messages read before the loop gets its turn again."""

SEND_LIMIT = 16
"""Messages that may wait in the socket: behind them text is joined in the outbox, where it is counted."""

LINGER_MS = 1000
CONNECT_SECONDS = 10.0
EITHER = int(zmq.POLLIN | zmq.POLLOUT)


class DealerChannel:
    """A DEALER connected to the supervisor. `receive` is called for each frame, `looked` whenever the socket
    moved and may take messages again, `lost` once when the supervisor has gone."""

    def __init__(
        self,
        endpoint: str,
        identity: str,
        *,
        receive: Callable[[bytes], None],
        looked: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._receive, self._looked, self._lost = receive, looked, lost
        self._loop = asyncio.get_running_loop()
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
        self._scheduled = False
        self._loop.add_reader(int(self._socket.FD), self._drain)
        self._loop.add_reader(int(self._monitor.FD), self._watch)
        self._schedule()

    def send(self, frames: Sequence[bytes]) -> bool:
        """Hand a message to libzmq. False: it takes none now."""
        try:
            self._socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again:
            if int(self._socket.get(zmq.EVENTS)) & EITHER:  # the edge may be over already
                self._schedule()
            return False
        self._schedule()
        return True

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._rescheduled)

    def _rescheduled(self) -> None:
        self._scheduled = False
        self._drain()

    def _drain(self) -> None:
        for _ in range(DRAIN_LIMIT):
            if not readable(self._socket):
                self._looked()
                return
            for frame in self._socket.recv_multipart(zmq.DONTWAIT):
                self._receive(frame)
        self._schedule()

    def _watch(self) -> None:
        if readable(self._monitor):
            self._loop.remove_reader(int(self._monitor.FD))
            self._lost()
