"""One end of a link: frames on a pair of pipes, bytes on a socket, beats and the look at silence.

Threads that block: what cannot be written is not read on the other side, so nothing ever piles up here."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

from ai_pal.machines.frames import CHUNK, Frames, Garbled, Kind, frame
from ai_pal.transport.lease import BEAT, LOOK, Lease

Other = Callable[[Kind, bytes], None]
"""Takes the frames that are neither data nor beats."""


class Pump:
    """Reads frames from `source`, writes them to `sink`. `silent` is called once, from a thread, when nothing
    has come for `seconds`; `ended` when the other end has closed its side, or says what no link does."""

    def __init__(
        self,
        source: int,
        sink: int,
        frames: Frames,
        seconds: float,
        *,
        other: Other,
        silent: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._source, self._sink, self._frames = source, sink, frames
        self._other, self._silent, self._ended = other, silent, ended
        self._seconds, self._lease = seconds, Lease(seconds, time.monotonic())
        self._writing = threading.Lock()
        self._socket: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._joined, self._over = threading.Event(), threading.Event()

    def start(self) -> None:
        """Begin to read and to beat."""
        self._thread(self._read)
        self._thread(self._beat)

    def watch(self) -> None:
        """From now on silence counts."""
        self._lease = Lease(self._seconds, time.monotonic())
        self._thread(self._look)

    def join(self, connected: socket.socket) -> None:
        """From now on data goes to this socket, and comes from it."""
        self._socket = connected
        self._joined.set()
        self._thread(self._carry)

    def put(self, data: bytes) -> None:
        """Write a frame as it is; blocks while the other end takes nothing."""
        with self._writing, contextlib.suppress(OSError):
            view = memoryview(data)
            while view:
                view = view[os.write(self._sink, view) :]

    def stop(self) -> None:
        """End all of it. The descriptors are their owner's."""
        self._over.set()
        self._joined.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Until nobody uses the descriptors any more: once it has stopped, and nothing holds a read up."""
        for thread in self._threads:
            thread.join(seconds)

    def _thread(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"link {work.__name__[1:]}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, Garbled):
            while data := os.read(self._source, CHUNK):
                self._lease.heard()
                for kind, payload in self._frames.feed(data):
                    if kind is Kind.DATA:
                        self._joined.wait()
                        self._to_socket(payload)
                    elif kind is not Kind.BEAT:
                        self._other(kind, payload)
        self._finish(self._ended)

    def _to_socket(self, payload: bytes) -> None:
        if self._socket is not None:
            self._socket.sendall(payload)

    def _carry(self) -> None:
        """From the socket to the other end."""
        assert self._socket is not None
        with contextlib.suppress(OSError):
            while data := self._socket.recv(CHUNK):
                self.put(frame(Kind.DATA, data))
        self._finish(self._ended)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self.put(frame(Kind.BEAT))

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            if self._lease.over(time.monotonic()):
                self._finish(self._silent)

    def _finish(self, tell: Callable[[], None]) -> None:
        if not self._over.is_set():
            self.stop()
            tell()
