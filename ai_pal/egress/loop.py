"""The egress process's one owner loop: its socket, its downloads, its beat."""

import contextlib
import os
import time

import zmq

from ai_pal import __version__
from ai_pal.egress.fetching import Fetching
from ai_pal.messages.egress import (
    CancelFetch,
    EgressBeat,
    EgressHello,
    Fetch,
    FromEgress,
    decode_to_egress,
    encode,
)
from ai_pal.transport import parent_death
from ai_pal.transport.sockets import configure

BEAT_SECONDS = 1.0
LOOK_SECONDS = 0.1
"""Between two looks at the downloads."""

LINGER_MS = 1000


class Egress:
    """Everything here runs on the main thread; each download has a thread of its own."""

    def __init__(self, endpoint: str, identity: str, parent: int) -> None:
        self._parent = parent
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        configure(self._socket)
        self._socket.setsockopt(zmq.IDENTITY, identity.encode())
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.RECONNECT_IVL, -1)  # a supervisor that is gone does not come back
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._socket.connect(endpoint)
        self._fetching: dict[int, Fetching] = {}
        self._beat_at = 0.0

    def run(self) -> int:
        """Serve until the supervisor is gone; returns the exit code."""
        poller = zmq.Poller()
        poller.register(self._monitor, zmq.POLLIN)
        poller.register(self._socket, zmq.POLLIN)
        self._send(EgressHello(os.getpid(), __version__))
        while True:
            wait = LOOK_SECONDS if self._fetching else BEAT_SECONDS
            ready = dict(poller.poll(int(wait * 1000)))
            if self._socket in ready:
                self._receive()
            self._look()
            if self._monitor in ready or parent_death.orphaned(self._parent):
                return 0

    def _receive(self) -> None:
        with contextlib.suppress(zmq.Again):
            while True:
                for frame in self._socket.recv_multipart(zmq.DONTWAIT):
                    self._take(frame)

    def _take(self, frame: bytes) -> None:
        message = decode_to_egress(frame)
        match message:
            case Fetch():
                self._fetching[message.key] = Fetching(message)
            case CancelFetch():
                fetching = self._fetching.pop(message.key, None)
                if fetching is not None:
                    fetching.cancel()

    def _look(self) -> None:
        for key, fetching in list(self._fetching.items()):
            outcome, news = fetching.outcome, fetching.news()
            if news is not None:
                self._send(news)
            if outcome is not None:
                del self._fetching[key]
                self._send(outcome)
        if time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + BEAT_SECONDS
            self._send(EgressBeat())

    def _send(self, message: FromEgress) -> None:
        # A supervisor that leaves a thousand messages unread is as good as gone: wait for it, or its end.
        self._socket.send(encode(message))
