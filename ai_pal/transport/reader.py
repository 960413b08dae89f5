"""One reader for every ZeroMQ socket on an asyncio loop: never cancelled, in bounded turns.

An awaited receive per message costs several times what draining the socket costs, and cancelling it loses
messages. ZMQ_FD is edge-triggered: after a bounded turn and after every send EVENTS must be looked at again,
or messages wait for ever (http://api.zeromq.org/4-3:zmq-getsockopt, ZMQ_FD).
"""

import asyncio
import time
from collections.abc import Callable

import zmq

from ai_pal.transport.sockets import readable

DRAIN_LIMIT, DRAIN_BYTES, DRAIN_SECONDS = 128, 1024 * 1024, 0.005
"""Messages, bytes, and seconds of work, before the loop gets its turn again."""


class SocketReader:
    """Calls `take` while a message is there: it reads one, or some frames of one, and returns their size in
    bytes. `drained` is called when nothing is left, and so whenever the socket has moved. Whoever sends on
    the socket calls `look` after it; what `before` sends, at the beginning of each turn, is looked after by
    the turn itself. `after` is called at its end."""

    def __init__(
        self,
        socket: "zmq.Socket[bytes]",
        take: Callable[[], int],
        drained: Callable[[], None] = lambda: None,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._socket, self._take, self._drained = socket, take, drained
        self._before, self._after = before, after
        self._loop = asyncio.get_running_loop()
        self._closed = self._scheduled = self._paused = False
        self.in_turn = False
        self._fd = int(socket.FD)
        self._loop.add_reader(self._fd, self.turn)
        self.look()  # without a first look the descriptor may stay silent for ever

    def look(self) -> None:
        """Look at the socket again soon: the edge that told of a message may be over."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._again)

    def look_if_more(self) -> None:
        """After a send that was not taken: look again if there is something to take. To look in any case
        would be to try that send for ever."""
        if not self._paused and readable(self._socket):
            self.look()

    def pause(self) -> None:
        """Take nothing until `resume`: what was taken cannot go on. `drained` is called as before."""
        self._paused = True

    def resume(self) -> None:
        """Take again."""
        if self._paused:
            self._paused = False
            self.look()

    def rest(self, limit: int) -> None:
        """Take what is there now, `limit` messages at most, however long that takes."""
        while limit > 0 and not self._closed and readable(self._socket):
            self._take()
            limit -= 1
        self.look()

    def fileno(self) -> int:
        """The descriptor that tells the loop, once per edge, to look."""
        return self._fd

    def close(self) -> None:
        """Look no more; to be called before the socket is closed. The loop may be closed already."""
        self._closed = self._scheduled = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._fd)

    def turn(self) -> None:
        """Take what is there, a bounded part of it, now."""
        if self._closed:
            return
        size, more, end = 0, True, time.monotonic() + DRAIN_SECONDS
        self.in_turn = True
        try:
            if self._before is not None:
                self._send_first(self._before)
            for _ in range(DRAIN_LIMIT):
                if self._closed or self._paused or not readable(self._socket):
                    more = False
                    break
                size += self._take()
                if size > DRAIN_BYTES or time.monotonic() > end:
                    break
            if not more and not self._closed:
                self._drained()
        finally:
            self.in_turn = False
            if more:  # also when a message could not be taken: the edge that told of the rest is gone
                self.look()
            if self._after is not None:
                self._after()

    def _send_first(self, send: Callable[[], None]) -> None:
        """What is sent here needs no further look: one follows."""
        scheduled, self._scheduled = self._scheduled, True
        try:
            send()
        finally:
            self._scheduled = scheduled

    def _again(self) -> None:
        if not self._closed:
            self._scheduled = False
            self.turn()
