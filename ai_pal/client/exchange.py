"""The I/O of the blocking client: sends requests and waits for their events, as `core` decides."""

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import zmq

from ai_pal.client.connection import Connection
from ai_pal.client.core import CLOSED, UNREACHABLE, Core, Pending, silent
from ai_pal.client.face import Meanwhile, unheard
from ai_pal.client.requests import IN_FLIGHT
from ai_pal.client.turns import Turns
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.transport.sockets import readable

E = TypeVar("E", bound=wire.Event)


class Inbox(NamedTuple):
    """A request under way; `ready` is told when there may be something new."""

    pending: Pending
    ready: threading.Condition


class Exchange:
    """A connection that is greeted, for any number of threads. Raises `AiPalError`: `supervisor_unreachable`,
    `supervisor_silent`, `protocol_mismatch`."""

    def __init__(self, endpoint: str, timeout: float, serves: Sequence[str] = ()) -> None:
        self._connection = Connection(endpoint, serves=serves)
        sockets = self._connection.socket, self._connection.monitor
        self._turns = Turns([int(socket.get(zmq.FD)) for socket in sockets])
        ready = threading.Condition(self._turns.lock)
        self.core = Core(endpoint, ready.notify_all)
        self._greeting = Inbox(self.core.greeting, ready)
        try:
            self.welcome = self._greeted(time.monotonic() + timeout)
        except BaseException:
            self.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        with self._turns:
            return self.core.lost or self._connection.broken

    def begin(self, request: wire.Request) -> Inbox:
        """Send a request. Raises `AiPalError`."""
        ready = threading.Condition(self._turns.lock)
        with self._turns:
            pending = self.core.begin(request, time.monotonic(), ready.notify_all)
            try:
                self._connection.send(request)
            except BaseException:
                self.core.leave(pending)
                raise
        return Inbox(pending, ready)

    def next(self, inbox: Inbox, deadline: float | None = None) -> wire.AnyEvent:
        """Wait for the next event of a request: without a deadline for as long as the supervisor runs, which
        watches the deadlines of requests itself. Raises `AiPalError`."""
        event = inbox.pending.take()
        if event is not None:  # what has come takes no turn
            return event
        with self._turns.lock:
            try:
                event = inbox.pending.take()
                if event is None and self._turns.free:
                    self.core.waits(time.monotonic())
                while event is None:
                    self._wait(inbox.ready, deadline)
                    event = inbox.pending.take()
            finally:
                self._turns.pass_on()
        return event

    def reply(
        self, inbox: Inbox, kind: type[E], seconds: float | None = None, meanwhile: Meanwhile = unheard
    ) -> E:
        """The reply to a request, which is left then; what comes before it goes to `meanwhile`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while True:
                event = self.next(inbox, deadline)
                if isinstance(event, kind):
                    return event
                meanwhile(event)
        finally:
            self.leave(inbox.pending)

    def replies(
        self, requests: Iterable[wire.Request], kind: type[E], meanwhile: Meanwhile = unheard
    ) -> list[E]:
        """The replies to many requests, in their order; the next waits beside the one that is worked at."""
        waiting: list[Inbox] = []
        found: list[E] = []
        try:
            for request in requests:
                waiting.append(self.begin(request))
                if len(waiting) == IN_FLIGHT:
                    found.append(self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
            while waiting:
                found.append(self.reply(waiting.pop(0), kind, meanwhile=meanwhile))
        finally:
            for inbox in waiting:
                self.leave(inbox.pending)
        return found

    def cancel(self, request_id: int) -> None:
        """Ask for a request to be stopped. Its last event is still to come."""
        with self._turns:
            self._connection.send(wire.Cancel(request_id))

    def leave(self, pending: Pending) -> None:
        """Forget a request that nobody waits for any more."""
        with self._turns:
            cancel = self.core.leave(pending)
            if cancel is not None:
                with contextlib.suppress(AiPalError, zmq.ZMQError):
                    self._connection.send(cancel)

    def wait_lost(self, timeout: float) -> bool:
        """Wait until the supervisor has closed the connection; False when it still has not."""
        deadline = time.monotonic() + timeout
        with self._turns.lock:
            try:
                while not self.core.lost and (left := deadline - time.monotonic()) > 0:
                    self._receive(self._greeting.ready, left)
            finally:
                self._turns.pass_on()
            return self.core.lost

    def close(self) -> None:
        """Leave: what is still open is cancelled, also what other threads wait for."""
        with self._turns.lock:
            self.core.over(CLOSED)
            self._turns.end()
            self._connection.close()

    def _greeted(self, deadline: float) -> wire.Welcome:
        with self._turns.lock:
            while (left := deadline - time.monotonic()) > 0:
                self._receive(self._greeting.ready, left)
                try:
                    event = self.core.greeting.take()
                except AiPalError as error:
                    lost = error.code == Code.SUPERVISOR_LOST
                    raise AiPalError(UNREACHABLE) if lost else error from error
                if isinstance(event, wire.Welcome):
                    return event
        raise AiPalError(silent(self.core.endpoint))

    def _wait(self, ready: threading.Condition, deadline: float | None) -> None:
        """Wait for a message, until something has to be done about the silence at the latest."""
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise AiPalError(silent(self.core.endpoint))
        probe = self.core.tick(now)
        if probe is not None:
            with self._turns:
                self._connection.send(probe)
        due = self.core.due()
        if due is not None:  # else it has been given up
            self._receive(ready, (due if deadline is None else min(due, deadline)) - now)

    def _receive(self, ready: threading.Condition, seconds: float) -> None:
        """Hand on the events of one message, or wait so long for one."""
        if not self._turns.free:
            self._turns.follow(ready, seconds)
        elif not self._heard():
            self._turns.read(seconds)
            self._heard()

    def _heard(self) -> bool:
        """Whether there was a message, or the end."""
        connection = self._connection
        if connection.closed:
            return True
        if not readable(connection.socket):
            if not readable(connection.monitor):
                return False
            # What was sent before the end may show up only after the first look at the socket.
            if not readable(connection.socket):
                self.core.over()
                return True
        self.core.heard(connection.receive(), time.monotonic())
        return True
