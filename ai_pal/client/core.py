"""The state machine of a client's connection, shared by both clients: which event belongs to which request,
what ends the connection, and when a silent supervisor is given up. Sans-IO: the time is passed in as `now`,
and what has to be sent is returned."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.protocol import client as wire
from ai_pal.transport.run_files import holder

SILENCE = 10.0
"""Seconds without a word after which a supervisor is asked whether it still runs (a stopped process keeps
its connections); after as many more it is given up. A busy one answers, so a slow model is waited for."""

EVENT_LIMIT = 20_000
"""Events of one request that may wait for their reader; then it is cut off."""

CONNECTION = 0
"""The id of what concerns no request."""

UNREACHABLE = Failure(
    Code.SUPERVISOR_UNREACHABLE,
    "no supervisor answers",
    "start one with `ai-pal supervise`, or look with `ai-pal doctor`",
    retryable=True,
)
LOST = Failure(Code.SUPERVISOR_LOST, "the supervisor is gone", "ask again", retryable=True)
CLOSED = Failure(Code.CLIENT_CLOSED, "this client is closed", "connect anew")
OTHER_PROTOCOL = Failure(
    Code.PROTOCOL_MISMATCH,
    "the supervisor that runs speaks another protocol",
    "stop it with `ai-pal stop` and start this version",
)
TOO_SLOW = Failure(
    Code.CLIENT_TOO_SLOW, f"more than {EVENT_LIMIT} events waited for their reader", "iterate faster"
)
CANCELLED = Failure(Code.CANCELLED, "the request was cancelled by this client", "ask again")

REPLIES: dict[type[wire.Request], type[wire.Event]] = {wire.Hello: wire.Welcome} | {
    request: end for request, end in wire.ENDS.items() if end is not wire.Done
}
"""What each request is answered with in the end; `Chat` and `Complete` end with one of `wire.TERMINAL`."""

_ENDS = frozenset(wire.TERMINAL)

GOES_ON = (wire.Load, wire.Unload, wire.Stop)
"""Requests that are not cancelled when nobody waits for their end any more."""


def to_end(pid: int | None) -> str:
    """The shell commands that end this process, even where it is suspended."""
    return f"kill -CONT {pid or 'PID'}; kill {pid or 'PID'}"


def silent(endpoint: str) -> Failure:
    """Somebody is there, but says nothing in time."""
    pid = holder(Path(endpoint.removeprefix("ipc://")).parent)
    return Failure(
        Code.SUPERVISOR_SILENT,
        f"the supervisor{f' (pid {pid})' if pid else ''} is there but does not answer",
        f"it may be stopped or overloaded: wait, or end it with `{to_end(pid)}`, then ask again",
        retryable=True,
    )


class Pending:
    """One request under way, and what has come of it for its one reader. `wake` is called when there may be
    something new. A request that ends with a reply raises what it failed with; an answer has that as an
    event."""

    def __init__(self, request: wire.Request, wake: Callable[[], None]) -> None:
        self.id: int = getattr(request, "id", CONNECTION)
        self.ended = False
        self.stays = isinstance(request, GOES_ON)
        self._reply = REPLIES.get(type(request))
        self._wake = wake
        self._events: deque[wire.AnyEvent] = deque()
        self._failure: Failure | None = None

    def put(self, event: wire.AnyEvent) -> None:
        """Add one event. Of several that come together only the first wakes the reader."""
        if self._failure is not None:
            return  # behind a gap nothing can be right
        waiting = len(self._events)
        if waiting >= EVENT_LIMIT:
            self.fail(TOO_SLOW)
            return
        if self._reply is None:
            self.ended = type(event) in _ENDS
        elif isinstance(event, self._reply):
            self.ended = True
        elif isinstance(event, wire.Failed | wire.Cancelled):
            self.end(main_reason(event.reasons) if isinstance(event, wire.Failed) else CANCELLED)
            return
        self._events.append(event)
        if not waiting:
            self._wake()

    def end(self, failure: Failure) -> None:
        """Add its last event."""
        self.ended = True
        self.fail(failure)

    def fail(self, failure: Failure) -> None:
        """No further event will come: reading past those that are there raises this failure."""
        self._failure = self._failure or failure
        self._wake()

    def take(self) -> wire.AnyEvent | None:
        """The next event; None while there is none. Raises `AiPalError`."""
        if self._events:
            return self._events.popleft()
        if self._failure is not None:
            raise AiPalError(self._failure)
        return None

    def take_all(self) -> list[wire.AnyEvent]:
        """All that is there; may be nothing. Raises `AiPalError` where nothing is and no more is coming."""
        events = list(self._events)
        self._events.clear()
        if not events and self._failure is not None:
            raise AiPalError(self._failure)
        return events

    @property
    def failed(self) -> bool:
        """Whether nothing more is coming but a failure."""
        return self._failure is not None

    @property
    def finished(self) -> bool:
        """Whether its last event has been taken."""
        return self.ended and not self._events


class Core:
    """The state of one connection to the supervisor at `endpoint`. `wake` is called for its greeting."""

    def __init__(self, endpoint: str, wake: Callable[[], None]) -> None:
        self.endpoint = endpoint
        self.greeting = Pending(wire.Hello(wire.PROTOCOL), wake)
        self._over: Failure | None = None
        self._open: dict[int, Pending] = {}
        self._ids = itertools.count(CONNECTION + 1)
        self._since, self._probed = 0.0, False

    @property
    def lost(self) -> bool:
        """Whether the connection has ended: nothing can be asked over it any more."""
        return self._over is not None

    def new_id(self) -> int:
        """An id that no request has had."""
        return next(self._ids)  # in one step: threads do it side by side

    def begin(self, request: wire.Request, now: float, wake: Callable[[], None]) -> Pending:
        """Register a request before it is sent. Raises `AiPalError`: `supervisor_lost`, `client_closed`."""
        if self._over is not None:
            raise AiPalError(self._over)
        if not self._open:
            self._since, self._probed = now, False
        pending = Pending(request, wake)
        self._open[pending.id] = pending
        return pending

    def heard(self, events: Iterable[wire.AnyEvent], now: float) -> None:
        """Hand received events to their requests; those that nobody waits for are dropped."""
        self._since, self._probed = now, False
        for event in events:
            request_id: int = getattr(event, "id", CONNECTION)
            pending = self._open.get(request_id)
            if pending is not None:
                pending.put(event)
                if pending.ended:
                    del self._open[request_id]
            elif request_id == CONNECTION:
                self._heard_of_the_connection(event)

    def leave(self, pending: Pending) -> wire.Cancel | None:
        """Forget a request that nobody waits for any more; returns what has to be sent for that."""
        self._open.pop(pending.id, None)
        if pending.ended:
            return None
        pending.ended = True
        return None if pending.stays else wire.Cancel(pending.id)

    def over(self, failure: Failure = LOST) -> None:
        """The connection has ended: all open requests fail with this, and no new one can begin."""
        self._over = self._over or failure
        self._fail(failure)

    def waits(self, now: float) -> None:
        """Blocking code hears only while it waits, which it begins: what was not said before is nothing."""
        self._since, self._probed = now, False

    def due(self) -> float | None:
        """When `tick` has to be called if no event comes before; None: nothing is being waited for."""
        return self._since + SILENCE if self._open else None

    def tick(self, now: float) -> wire.Status | None:
        """Time has passed. A silent supervisor is asked for any word at all, and given up the next time."""
        due = self.due()
        if due is None or now < due:
            return None
        if self._probed:
            self._fail(silent(self.endpoint))
            return None
        self._since, self._probed = now, True
        return wire.Status(self.new_id())  # nobody waits for the answer itself

    def _heard_of_the_connection(self, event: wire.AnyEvent) -> None:
        if self.greeting.ended:
            if isinstance(event, wire.Failed):  # it could not tell which request it cannot take
                self._fail(main_reason(event.reasons))
        elif isinstance(event, wire.Welcome) and event.protocol != wire.PROTOCOL:
            self.greeting.end(OTHER_PROTOCOL)
        else:
            self.greeting.put(event)

    def _fail(self, failure: Failure) -> None:
        """What is open is left by its readers, who have it cancelled: the supervisor may come back."""
        self.greeting.fail(failure)
        for pending in list(self._open.values()):
            pending.fail(failure)
        self._open.clear()
