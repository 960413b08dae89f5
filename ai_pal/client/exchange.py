"""The blocking client's wire: sends what is asked and waits for what comes, as the core says."""

import contextlib
import time
from collections.abc import Iterable
from typing import TypeVar

import zmq

from ai_pal.client.connection import Connection
from ai_pal.client.core import UNREACHABLE, Core, Pending, silent
from ai_pal.client.face import Meanwhile, unheard
from ai_pal.client.requests import IN_FLIGHT
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire

E = TypeVar("E", bound=wire.Event)


class Exchange:
    """A connection that is greeted. One thread at a time. Raises `AiPalError`: `supervisor_unreachable`,
    `supervisor_silent`, `protocol_mismatch`."""

    def __init__(self, endpoint: str, timeout: float) -> None:
        self.core = Core(endpoint, _nothing)
        self._connection = Connection(endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self._connection.socket, zmq.POLLIN)
        self._poller.register(self._connection.monitor, zmq.POLLIN)
        try:
            self.welcome = self._greeted(time.monotonic() + timeout)
        except BaseException:
            self._connection.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether it is over."""
        return self.core.lost or self._connection.broken

    def begin(self, request: wire.Request) -> Pending:
        """Send a request. Raises `AiPalError`."""
        pending = self.core.begin(request, time.monotonic(), _nothing)
        try:
            self._connection.send(request)
        except BaseException:
            self.core.leave(pending)
            raise
        return pending

    def next(self, pending: Pending, deadline: float | None = None) -> wire.AnyEvent:
        """The next event of a request. Without a deadline it is waited for as long as the supervisor runs,
        which keeps those of requests. Raises `AiPalError`."""
        event = pending.take()
        if event is None:
            self.core.waits(time.monotonic())
        while event is None:
            self._wait(deadline)
            event = pending.take()
        return event

    def reply(
        self, pending: Pending, kind: type[E], seconds: float | None = None, meanwhile: Meanwhile = unheard
    ) -> E:
        """The reply to a request, which is left then; what comes before it goes to `meanwhile`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while True:
                event = self.next(pending, deadline)
                if isinstance(event, kind):
                    return event
                meanwhile(event)
        finally:
            self.leave(pending)

    def replies(
        self, requests: Iterable[wire.Request], kind: type[E], meanwhile: Meanwhile = unheard
    ) -> list[E]:
        """The replies to many requests, in their order; the next waits beside the one that is worked at."""
        waiting: list[Pending] = []
        found: list[E] = []
        try:
            for request in requests:
                waiting.append(self.begin(request))
                if len(waiting) == IN_FLIGHT:
                    found.append(self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
            while waiting:
                found.append(self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
        finally:
            for pending in waiting:
                self.leave(pending)
        return found

    def cancel(self, request_id: int) -> None:
        """Have a request stopped; it goes on to its end."""
        self._connection.send(wire.Cancel(request_id))

    def leave(self, pending: Pending) -> None:
        """Nobody waits for it any more."""
        cancel = self.core.leave(pending)
        if cancel is not None and not self._connection.closed:
            with contextlib.suppress(AiPalError, zmq.ZMQError):
                self._connection.send(cancel)

    def wait_lost(self, timeout: float) -> bool:
        """Wait until the supervisor has closed the connection; False when it still has not."""
        deadline = time.monotonic() + timeout
        while not self.core.lost and (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        return self.core.lost

    def close(self) -> None:
        """Leave: what is still open is cancelled."""
        self._connection.close()
        self.core.over()

    def _greeted(self, deadline: float) -> wire.Welcome:
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)
            try:
                event = self.core.greeting.take()
            except AiPalError as error:
                raise AiPalError(UNREACHABLE) if error.code == Code.SUPERVISOR_LOST else error from error
            if isinstance(event, wire.Welcome):
                return event
        raise AiPalError(silent(self.core.endpoint))

    def _wait(self, deadline: float | None) -> None:
        """Wait for a message, until something has to be done about the silence at the latest."""
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise AiPalError(silent(self.core.endpoint))
        probe = self.core.tick(now)
        if probe is not None:
            self._connection.send(probe)
        due = self.core.due()
        if due is not None:  # else it has been given up
            self._receive((due if deadline is None else min(due, deadline)) - now)

    def _receive(self, timeout: float) -> None:
        """Wait for one message, and hand its events on."""
        socket = self._connection.socket
        ready = dict(self._poller.poll(max(0, int(timeout * 1000) + 1)))
        # What was sent before the end may show up only after the poll has looked at the socket.
        if socket in ready or (ready and socket.poll(0)):
            self.core.heard(self._connection.receive(), time.monotonic())
        elif ready:
            self.core.over()


def _nothing() -> None:
    """Blocking code looks by itself."""
